from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from vidkit.errors import DetectorError
from vidkit.harness.detector_options import call, options_of, parse_options

if TYPE_CHECKING:
    from somewhere_else import Unknown


def factory(
    context: Unknown,
    weights: Path,
    *,
    length: int = 10,
    gate: float = 1.0,
    key_id: int | None = None,
    mode: Literal["fast", "exact"] = "exact",
    flip: bool = False,
    label: str | None = None,
    guessed=3,  # type: ignore[no-untyped-def]
    **further: int,
) -> object:
    return context


def parse(*texts: str) -> dict[str, object]:
    return parse_options(texts, options_of(factory))


def test_values_have_the_types_of_the_signature():
    values = parse("weights=a b.pth", "length=5", "gate=1e-1", "key_id=2", "mode=fast", "flip=true", "guessed=4")
    assert values == {
        "weights": Path("a b.pth"),
        "length": 5,
        "gate": 0.1,
        "key_id": 2,
        "mode": "fast",
        "flip": True,
        "label": None,
        "guessed": 4,
    }


def test_defaults_are_given_too():
    assert parse("weights=x")["length"] == 10


@pytest.mark.parametrize(
    ("text", "value"),
    [("key_id=none", None), ("key_id=3", 3), ("label=none", None), ("label=12", "12"), ("label=a=b", "a=b")],
)
def test_unions(text, value):
    assert parse("weights=x", text)[text.partition("=")[0]] == value


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["lenght=3"], r"no option 'lenght' \(did you mean 'length'\?\); known are: weights: Path; length: int = 10;"),
        (["further=3"], "no option 'further'"),
        (["context=3"], "no option 'context'"),
        (["length"], "'length': wanted NAME=VALUE"),
        (["length=1", "length=2"], "'length' is given twice"),
        (["length=1.5"], "option 'length': '1.5' is no int"),
        (["length="], "'' is no int"),
        (["gate=much"], "'much' is no float"),
        (["flip=maybe"], "'maybe' is no bool"),
        (["mode=slow"], "'slow' is no fast or exact"),
        (["key_id=first"], "'first' is no none or int"),
        ([], "option 'weights' must be given: --option weights=VALUE"),
    ],
)
def test_wrong_options_are_named(texts, message):
    with pytest.raises(DetectorError, match=message):
        parse(*texts)


def test_a_class_can_be_the_factory():
    class Method:
        def __init__(self, context: Unknown, length: int = 3) -> None:
            pass

    assert {name: option.default for name, option in options_of(Method).items()} == {"length": 3}


@dataclass(frozen=True)
class Shared:
    scale: float = 1.0
    sides: int | None = None


def grouped(context: object, *, length: int = 10, shared: Shared = Shared(), last: bool = False) -> object:
    return context, length, shared, last


def test_the_fields_of_a_dataclass_are_options():
    known = options_of(grouped)
    assert [str(option) for option in known.values()] == [
        "length: int = 10", "scale: float = 1.0", "sides: none or int = None", "last: bool = False",
    ]  # fmt: skip
    values = parse_options(["sides=3", "length=4"], known)
    assert call(grouped, "here", values) == ("here", 4, Shared(1.0, 3), False)
    assert call(grouped, "here", {"scale": 2.0}) == ("here", 10, Shared(2.0), False)
    assert call(grouped, "here", {"shared": Shared(5.0)}) == ("here", 10, Shared(5.0), False)
    assert call(factory, "here", {"weights": Path("x")}) == "here"


def test_an_option_that_no_command_line_can_give():
    def wrong(context: Unknown, sizes: list[int]) -> None:
        pass

    with pytest.raises(DetectorError, match="'sizes' has the type list"):
        options_of(wrong)


@pytest.mark.parametrize("wrong", [lambda: None, lambda *, length=3: None])
def test_a_factory_must_take_the_context(wrong):
    with pytest.raises(DetectorError, match="first parameter must take the DetectorContext"):
        options_of(wrong)


def outer(context: object, *, name: str, inner: Mapping[str, str] = {}) -> tuple[str, dict[str, str]]:
    return name, dict(inner)


def test_a_mapping_takes_what_is_called_after_it() -> None:
    known = options_of(outer)
    assert [str(option) for option in known.values()] == ["name: str", "inner.NAME: str, as many as are wanted"]
    values = parse_options(["inner.length=5", "name=a", "inner.classes=x=y"], known)
    assert values == {"name": "a", "inner.length": "5", "inner.classes": "x=y"}
    assert call(outer, None, values) == ("a", {"length": "5", "classes": "x=y"})
    assert call(outer, None, parse_options(["name=a"], known)) == ("a", {})


@pytest.mark.parametrize("text", ["inner=5", "inner.=5", "name.x=1", "other.x=1"])
def test_a_mapping_takes_nothing_else(text: str) -> None:
    with pytest.raises(DetectorError, match="no option"):
        parse_options(["name=a", text], options_of(outer))


def test_no_option_of_a_mapping_is_given_twice() -> None:
    with pytest.raises(DetectorError, match="given twice"):
        parse_options(["name=a", "inner.x=1", "inner.x=2"], options_of(outer))
