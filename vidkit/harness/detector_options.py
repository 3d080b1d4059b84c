"""Options of a detector's factory: `--option name=value`, typed by the factory's own signature."""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Literal

from vidkit.errors import DetectorError, did_you_mean

REQUIRED = inspect.Parameter.empty
"""The default of an option that must be given."""


@dataclass(frozen=True)
class Option:
    """One option of a factory: its name, the types that its value may have, and its default."""

    name: str
    kinds: tuple[Any, ...]  # of int, float, str, bool, Path, NoneType, Literal[…]; tried in this order
    default: Any
    open: bool = False
    """It stands for many, called `name.NAME`, whose values are kept as they are written: options of another factory."""

    def __str__(self) -> str:
        if self.open:
            return f"{self.name}.NAME: str, as many as are wanted"
        kinds = " or ".join(_kind_name(kind) for kind in self.kinds)
        return f"{self.name}: {kinds}" + ("" if self.default is REQUIRED else f" = {self.default!r}")


def options_of(factory: Callable[..., Any]) -> dict[str, Option]:
    """Return the options of `factory` by name: its named parameters after the first, which takes the context.

    A parameter whose type is a dataclass stands for the fields of that class, each of them an option; one whose type is
    `Mapping[str, str]` for any option called PARAMETER.NAME, see `Option.open`. Raises DetectorError if the factory has
    no parameter for the context, or an option of a type that can't be written on a command line.
    """
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError) as error:
        raise DetectorError(f"not a factory: {error}") from None
    if not parameters or parameters[0].kind not in (inspect.Parameter.POSITIONAL_ONLY, _EITHER):
        raise DetectorError("the factory's first parameter must take the DetectorContext")
    found: dict[str, Option] = {}
    for parameter in _named(parameters[1:]):
        group = _dataclass(parameter, factory)
        members = [parameter] if group is None else _named(inspect.signature(group).parameters.values())
        found |= {p.name: _option(p, group or factory) for p in members}
    return found


def call(factory: Callable[..., Any], context: Any, values: Mapping[str, Any]) -> Any:
    """What a factory makes of the context and the values of options.

    Those of a dataclass go into one of that class, those called PARAMETER.NAME into one mapping.
    """
    own = dict(values)
    for parameter in _named(list(inspect.signature(factory).parameters.values())[1:]):
        if _is_open(_annotation(parameter, factory)) and parameter.name not in own:
            start = f"{parameter.name}."
            own[parameter.name] = {name[len(start) :]: own.pop(name) for name in list(own) if name.startswith(start)}
        group = _dataclass(parameter, factory)
        if group is not None and parameter.name not in own:
            own[parameter.name] = group(**{p: own.pop(p) for p in inspect.signature(group).parameters if p in own})
    return factory(context, **own)


def parse_options(texts: Sequence[str], known: Mapping[str, Option]) -> dict[str, Any]:
    """Return the value of every option in `known`, from texts such as "length=5" and from the defaults.

    Raises DetectorError for an unknown or repeated name, a missing one, and a value that isn't of the option's type.
    """
    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise DetectorError(f"option {text!r}: wanted NAME=VALUE")
        outer, dot, inner = name.partition(".")
        opened = bool(dot and inner and outer in known and known[outer].open)
        if not opened and (name not in known or known[name].open):
            listed = "; ".join(str(option) for option in known.values()) or "none"
            raise DetectorError(f"no option {name!r}{did_you_mean(name, list(known))}; known are: {listed}")
        if name in given:
            raise DetectorError(f"option {name!r} is given twice")
        given[name] = value.strip() if opened else _parse(value.strip(), known[name])
    closed = [option for option in known.values() if not option.open]
    for option in closed:
        if option.default is REQUIRED and option.name not in given:
            raise DetectorError(f"option {option.name!r} must be given: --option {option.name}=VALUE ({option})")
    return {option.name: option.default for option in closed} | given


def _named(parameters: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    return [p for p in parameters if p.kind in (_EITHER, inspect.Parameter.KEYWORD_ONLY)]


def _dataclass(parameter: inspect.Parameter, factory: Callable[..., Any]) -> type[Any] | None:
    kind = _annotation(parameter, factory)
    return kind if isinstance(kind, type) and is_dataclass(kind) else None


_EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _is_open(annotation: Any) -> bool:
    return typing.get_origin(annotation) is Mapping and typing.get_args(annotation) == (str, str)


def _option(parameter: inspect.Parameter, factory: Callable[..., Any]) -> Option:
    annotation = _annotation(parameter, factory)
    if _is_open(annotation):
        return Option(parameter.name, (str,), {}, open=True)
    kinds = _kinds(annotation)
    for kind in kinds:
        if kind not in (int, float, str, bool, Path, types.NoneType) and typing.get_origin(kind) is not Literal:
            raise DetectorError(
                f"option {parameter.name!r} has the type {_kind_name(kind)}; a command line can give int, float, str, "
                "bool, Path, Literal and None"
            )
    return Option(parameter.name, kinds, parameter.default)


def _annotation(parameter: inspect.Parameter, factory: Callable[..., Any]) -> Any:
    """Return the parameter's type; where nothing tells, that of its default, else str.

    Each annotation is resolved by itself: a name that exists only for type checkers spoils no other.
    """
    annotation = parameter.annotation
    if isinstance(annotation, str):
        target = factory.__init__ if inspect.isclass(factory) else inspect.unwrap(factory)
        names = {"Path": Path, "Literal": Literal, **vars(typing), **getattr(target, "__globals__", {})}
        holder = types.SimpleNamespace(__annotations__={parameter.name: annotation})
        try:
            annotation = typing.get_type_hints(holder, globalns=names)[parameter.name]
        except (NameError, SyntaxError, TypeError, AttributeError):
            annotation = REQUIRED
    if annotation in (REQUIRED, Any):
        return str if parameter.default in (REQUIRED, None) else type(parameter.default)
    return annotation


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself; a str, which takes anything, comes last."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = typing.get_args(annotation) if is_union else (type(None) if annotation is None else annotation,)
    return tuple(sorted(members, key=_precedence))


def _precedence(kind: Any) -> int:
    order = (types.NoneType, int, float, bool)
    return order.index(kind) if kind in order else (9 if kind is str else 5)


def _parse(text: str, option: Option) -> Any:
    for kind in option.kinds:
        try:
            return _value(text, kind)
        except ValueError:
            continue
    raise DetectorError(f"option {option.name!r}: {text!r} is no {' or '.join(_kind_name(k) for k in option.kinds)}")


def _value(text: str, kind: Any) -> Any:
    """Return `text` as a value of type `kind`; ValueError if it isn't one."""
    words: Mapping[str, Any]
    if typing.get_origin(kind) is Literal:
        words = {str(choice): choice for choice in typing.get_args(kind)}
    elif kind is types.NoneType:
        words = {"none": None, "None": None}
    elif kind is bool:
        words = _TRUTHS | {word.capitalize(): value for word, value in _TRUTHS.items()}
    else:
        return kind(text)
    if text not in words:
        raise ValueError(text)
    return words[text]


def _choices(kind: Any) -> list[str]:
    return [str(choice) for choice in typing.get_args(kind)]


def _kind_name(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return " or ".join(_choices(kind))
    return "none" if kind is types.NoneType else getattr(kind, "__name__", str(kind))
