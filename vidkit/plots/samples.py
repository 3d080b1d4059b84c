"""What a training sampler draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, sheet
from vidkit.sampling.survey import RoleSurvey, Survey


def samples(survey: Survey, title: str, width: float = COLUMN_WIDTH) -> Figure:
    """The offsets of each role, declared, drawn and after clamping, and the classes: what `samples_rows` has."""
    classes = [row for row in samples_rows(survey) if row["panel"] == "class"]
    heights = [0.8] * len(survey.roles) + [0.3 + 0.1 * max(len(classes), 3)]
    with sheet(width, sum(heights) + 0.35 * len(heights) + 0.3) as figure:
        panels = figure.subplots(len(heights), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for axes, role in zip(panels, survey.roles, strict=False):
            _draw_role(axes, role, survey)
        _draw_classes(panels[-1], classes)
        shares = ", ".join(f"{s.name} {100 * s.samples / survey.samples:.3g} %" for s in survey.sources)
        figure.suptitle(f"{title}: {survey.samples} samples; {shares}", fontsize=6.5)
        return figure


def samples_rows(survey: Survey) -> list[dict[str, Any]]:
    """What `samples` draws: a row for each offset of each role, and for each class that may be drawn.

    `drawn` and `used` are shares of the samples of videos, before and after clamping; for a class, its shares of the
    frames that may be drawn and of the samples.
    """
    rows: list[dict[str, Any]] = []
    of_videos = max(survey.of_videos, 1)
    for role in survey.roles:
        for offset in sorted(role.drawn.keys() | role.used.keys()):
            drawn, used = (counts.get(offset, 0) / of_videos for counts in (role.drawn, role.used))
            rows.append({"panel": role.role, "of": offset, "drawn": drawn, "used": used})
    frames = sum(source.frames for source in survey.sources)
    for c in survey.classes:
        if c.frames:
            rows.append(
                {"panel": "class", "of": c.name, "drawn": c.frames / frames, "used": c.samples / survey.samples}
            )
    return rows


def _draw_role(axes: Axes, role: RoleSurvey, survey: Survey) -> None:
    rows = [row for row in samples_rows(survey) if row["panel"] == role.role]
    offsets = [row["of"] for row in rows]
    low, high = role.declared
    axes.bar(offsets, [100 * row["used"] for row in rows], width=0.8, color=COLOURS[5], label="after clamping")
    drawn = [100 * row["drawn"] for row in rows]
    axes.plot(offsets, drawn, linewidth=0, marker=".", markersize=3, color=COLOURS[1], label="drawn")
    uniform = 100 / (high - low + 1)
    axes.plot([low - 0.5, high + 0.5], [uniform, uniform], color="0.2", linewidth=0.8, linestyle="--", label="declared")
    axes.set_xlabel(f"offset of {role.role} from the current frame, frames")
    axes.set_ylabel("samples, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.95), ncols=3)


def _draw_classes(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    places = range(len(rows))
    axes.barh(places, [100 * row["used"] for row in rows], height=0.7, color=COLOURS[5], label="samples that show it")
    shares = [100 * row["drawn"] for row in rows]
    axes.plot(shares, places, linewidth=0, marker="|", color=COLOURS[1], label="frames that may be drawn")
    axes.set_yticks(places, [row["of"] for row in rows], fontsize=5)
    axes.invert_yaxis()
    axes.set_xlabel("%")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
