"""What runs must have in common to stand in one figure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from vidkit.errors import ChoiceError
from vidkit.evaluation.protocols import PROTOCOLS, Protocol
from vidkit.evaluation.result import EvalResult, GroupResult


def drawable(
    results: Mapping[str, EvalResult], check: Callable[[EvalResult, str], object], skip: bool
) -> tuple[dict[str, EvalResult], list[str]]:
    """The results, by the names of their runs, that a figure can show, and with `skip` a note on each other one.

    `check(result, name)` raises ChoiceError for a result that can't be drawn: so does this function without `skip`, or
    if none is left.
    """
    kept: dict[str, EvalResult] = {}
    refused: list[str] = []
    for name, result in results.items():
        try:
            check(result, name)
            kept[name] = result
        except ChoiceError as error:
            if not skip:
                raise
            refused.append(str(error))
    if not kept:
        raise ChoiceError(": ".join(["none of the runs can be drawn", *refused[:1]]))
    return kept, [f"left out: {why}" for why in refused]


def differing_options(runs: Iterable[Mapping[str, Any]], but: str) -> list[str]:
    """The names of the options in which runs, each as its options, differ, without `but`."""
    each = list(runs)
    names = sorted({name for options in each for name in options} - {but})
    return [name for name in names if len({json.dumps(options.get(name), default=str) for options in each}) > 1]


def said_of_bars(groups: Iterable[GroupResult]) -> list[str]:
    """What a figure must say of the intervals of its groups, those that it draws and those that are missing."""
    drawn = {group.ends() is not None for group in groups if group.interval is not None and not isnan(group.mean_ap)}
    said = ["bars: 95 % intervals over videos"] if True in drawn else []
    return said + (["no bar: too few videos, or all alike"] if False in drawn else [])


def refuse_differences(what: str, of_run: Iterable[tuple[str, str]], advice: str) -> None:
    """Raise ChoiceError if the runs, `(name, value)` each, differ in `what`; `advice` is what to do then."""
    found: dict[str, list[str]] = {}
    for name, value in of_run:
        found.setdefault(value, []).append(name)
    if len(found) > 1:
        listed = "; ".join(f"{value or 'not told'}: {', '.join(names)}" for value, names in found.items())
        raise ChoiceError(f"the runs differ in {what}, so can't be compared: {listed}; {advice}")


def refuse_limited(names: Sequence[str]) -> None:
    """Raise ChoiceError if there are runs over a part of the data, whose `names` these are."""
    if names:
        raise ChoiceError(f"limited to a part of the data, so no score: {', '.join(names)}; draw them with --limited")


def rules_of(protocol: Protocol) -> str:
    """The name of a protocol, with the rules that differ from those that go by this name.

    >>> from vidkit.evaluation.protocols import protocol_named
    >>> rules_of(protocol_named("fgfa")), rules_of(protocol_named("fgfa", "mega"))
    ('fgfa', 'fgfa with fp_rule mega')
    """
    named: Mapping[str, object] = PROTOCOLS[protocol.name].rules() if protocol.name in PROTOCOLS else {}
    changed = [f"{rule} {value}" for rule, value in protocol.rules().items() if named.get(rule) != value]
    return protocol.name + (f" with {', '.join(changed)}" if changed else "")
