"""What is to be run for each table and figure of the paper, as data."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from .paper import LENGTH, TABLE_2

ARTICLES = ("table1", "table2", "table3", "figure4", "figure5", "figure6", "figure7", "figure8")
"""The tables and figures, in the order in which they are shown."""

CHECKPOINTS = ("per-frame", "dff", "impression", "impression-fixed", "impression-frozen", "fgfa")
"""The files `NAME.pt` of a folder of checkpoints: the methods of `vidkit train`."""

METHODS = {
    "per-frame": "per-frame R-FCN",
    "dff": "Deep Feature Flow: sparse, no aggregation",
    "impression-fixed": "impression, weights fixed at 0.5",
    "impression": "Impression Network",
    "impression-frozen": "as (d), feature and flow networks frozen",
    "fgfa": "FGFA",
    "fgfa-fast": "FGFA-fast",
}
"""By detector, or by checkpoint where it has one of its own."""


@dataclass(frozen=True)
class Run:
    """A detector with a checkpoint and options; `name` is that of its folder."""

    name: str
    detector: str
    checkpoint: str
    """One of CHECKPOINTS."""
    options: tuple[str, ...] = ()
    weights: bool = False
    """Whether the weight maps of its keyframes are recorded."""


@dataclass(frozen=True)
class Grid:
    """What is varied: segment lengths l of Figure 8, gates g of Figures 6 and 7, keyframe ids of Table 2."""

    lengths: tuple[int, ...] = tuple(range(1, 21))
    gates: tuple[float, ...] = tuple(place / 8 for place in range(9))
    key_ids: tuple[int, ...] = tuple(TABLE_2)


def per_frame() -> Run:
    """The per-frame baseline, Table 1 (a)."""
    return Run("per-frame", "per-frame", "per-frame")


def dff(length: int = LENGTH) -> Run:
    """Deep Feature Flow with the central frame as key, as in Table 1 (b)."""
    return Run(f"dff-l{length}", "dff", "dff", (f"length={length}", "key_id=none"))


def impression(length: int = LENGTH, key_id: int | None = None, gate: float = 1.0) -> Run:
    """The Impression Network; the key is the central frame unless told. One name means one run."""
    central = key_id is None or key_id == length // 2
    name, options = f"impression-l{length}", [f"length={length}"]
    if not central:
        name, options = f"{name}-k{key_id}", [*options, f"key_id={key_id}"]
    if gate != 1:
        name, options = f"{name}-g{gate:g}", [*options, f"gate={gate:g}"]
    return Run(name, "impression", "impression", tuple(options), weights=central and length == LENGTH)


def table_1() -> dict[str, Run]:
    """The runs of Table 1 by letter: (c) has fixed weights, (e) wasn't trained end to end."""
    l10 = (f"length={LENGTH}",)
    fixed = Run(f"impression-fixed-l{LENGTH}", "impression", "impression-fixed", (*l10, "weights=fixed"))
    frozen = Run(f"impression-frozen-l{LENGTH}", "impression", "impression-frozen", l10)
    return {"a": per_frame(), "b": dff(), "c": fixed, "d": impression(), "e": frozen}


def table_3() -> dict[str, Run]:
    """The runs of Table 3 by detector, in the paper's order; FGFA with the paper's radius."""
    fgfa = {name: Run(name, name, "fgfa", ("radius=10",)) for name in ("fgfa", "fgfa-fast")}
    return {**fgfa, "impression": impression()}


def runs_of(article: str, grid: Grid) -> list[Run]:
    """The runs that a table or figure needs. Raises KeyError for a name that isn't one of ARTICLES."""
    by_gate = [impression(gate=gate) for gate in grid.gates]
    return {
        "table1": [*table_1().values()],
        "table2": [impression(key_id=key_id) for key_id in grid.key_ids],
        "table3": [*table_3().values()],
        "figure4": [impression()],
        "figure5": [per_frame(), impression()],
        "figure6": by_gate[:: -max(1, -(-(len(by_gate) - 1) // 4))][::-1],  # five lines at most
        "figure7": by_gate,
        "figure8": [per_frame(), *map(dff, grid.lengths), *map(impression, grid.lengths)],
    }[article]


def all_runs(articles: Iterable[str], grid: Grid) -> list[Run]:
    """The runs of some tables and figures, each once."""
    return list(dict.fromkeys(chain.from_iterable(runs_of(article, grid) for article in articles)))


def missing(runs: Sequence[Run], checkpoints: Collection[str]) -> list[str]:
    """The checkpoints that the runs need and that aren't there, in the order of CHECKPOINTS."""
    wanted = {run.checkpoint for run in runs}
    return [name for name in CHECKPOINTS if name in wanted and name not in checkpoints]
