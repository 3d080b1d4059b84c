"""Runs, loaded: their predictions for the frames of the one index that they are about."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.data.index_file import read_index
from vidkit.errors import PredictionError
from vidkit.evaluation.protocols import protocol_named
from vidkit.evaluation.verdicts import Verdicts, judge
from vidkit.hdf5 import is_hdf5
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading import OpenedPredictions, open_predictions
from vidkit.predictions.reading_report import ReadingReport
from vidkit.predictions.table import Predictions
from vidkit.runs.choosing import Tell, choose_index
from vidkit.runs.finding import FoundRun, find_runs

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workspace:
    """Where indices and runs are looked for, how prediction files are read, and who is told of guesses and doubts."""

    data_dir: Path = Path("vidkit-data")
    runs_dir: Path = Path("runs")
    index: Path | None = None
    """The index, where it is named."""
    options: ReadOptions = field(default_factory=ReadOptions)
    """What is said of prediction files; where there are several, not of vidkit's own, which leave nothing open."""
    tell: Tell = LOG.info

    def load(self, runs: Sequence[str | Path]) -> LoadedRuns:
        """The runs called `runs` (all in the runs folder for none), and the index that they are about.

        Raises ChoiceError for a run or index that isn't there or plain, PredictionError for runs of different indices.
        """
        return self.load_found(find_runs(runs, self.runs_dir))

    def look(self, runs: Sequence[str | Path], video: str | None = None) -> LoadedRuns:
        """As `load`, but without runs an index alone: the one that is named, or that has the video."""
        if runs:
            return self.load(runs)
        file = self.choose_index(video=video)
        return LoadedRuns(file, read_index(file), {}, {})

    def load_found(self, found: Mapping[str, FoundRun]) -> LoadedRuns:
        """The runs that were found, and the index that they are about. Raises as `load`."""
        opened = {name: self.open(run, of_several=len(found) > 1) for name, run in found.items()}
        stated = {name: one.index_fingerprint for name, one in opened.items() if one.index_fingerprint}
        _refuse_unlike_data(stated)
        counts = [one.n_frames for one in opened.values() if one.n_frames is not None]
        file = self.choose_index(next(iter(stated.values()), ""), counts[0] if counts else None)
        index = read_index(file)
        fitted = {name: self.fit(one, index) for name, one in opened.items()}
        predictions = {name: one for name, (one, _) in fitted.items()}
        return LoadedRuns(file, index, found, predictions, {name: report for name, (_, report) in fitted.items()})

    def open(self, run: FoundRun, of_several: bool = False) -> OpenedPredictions:
        """The predictions of a run, before an index is chosen; of several, options aren't meant for vidkit's own."""
        (file,) = run.files
        own = of_several and file.is_file() and is_hdf5(file)
        return open_predictions(file, _of_own(self.options) if own else self.options)

    def choose_index(
        self, fingerprint: str = "", n_frames: int | None = None, video: str | None = None, prefer: str = "val"
    ) -> Path:
        """The index that is named, or the one in the data folder that fits; see `vidkit.runs.choosing`."""
        return choose_index(
            self.index,
            self.data_dir,
            fingerprint=fingerprint,
            n_frames=n_frames,
            frame_list=self.options.frame_list,
            video=video,
            prefer=prefer,
            tell=self.tell,
        )

    def fit(self, opened: OpenedPredictions, index: Index) -> tuple[Predictions, ReadingReport]:
        """The opened predictions for the frames of `index`, and how they were read; guesses and doubts are told.

        Raises PredictionError where nothing of a file fits, as for an empty list: no detections, and no frame said to
        be without any.
        """
        predictions, report = opened.for_index(index)
        if not report.n_detections and (report.n_in_file or not report.n_frames_covered):
            found = (
                f"none of its {report.n_in_file} detections fits" if report.n_in_file else "it has no detections for"
            )
            raise PredictionError(
                f"{report.path}: {found} the index {index.dataset} {index.split}: there is nothing to score. "
                f"{_left_out(report)}Is it the right file, and the right index (--index)?"
            )
        for name in ("frames", "boxes", "scale", "classes"):
            finding = getattr(report, name)
            if finding.how == "guessed":
                self.tell(f"{name}: {finding}")
        for warning in report.warnings:
            self.tell(f"warning: {warning}")
        return predictions, report


def _left_out(report: ReadingReport) -> str:
    found = ", ".join(f"{count} x {kind}" for kind, count in report.invalid.items() if count)
    return f"Left out: {found}. " if found else ""


@dataclass(frozen=True, eq=False)
class LoadedRuns:
    """An index, and the predictions of runs over it by the names of the runs."""

    index_file: Path
    index: Index
    found: Mapping[str, FoundRun]
    predictions: Mapping[str, Predictions]
    reports: Mapping[str, ReadingReport] = field(default_factory=dict)
    """How each run's file was read."""

    @property
    def only(self) -> Predictions:
        """The predictions of the run, where it is one."""
        (predictions,) = self.predictions.values()
        return predictions

    def over(self, index: Index) -> LoadedRuns:
        """The same runs over the index with further attributes."""
        return replace(self, index=index)

    def file_of(self, run: str) -> Path:
        """The prediction file of a run."""
        return self.found[run].files[0]

    @property
    def limited(self) -> list[str]:
        """The runs that were limited to a part of the data."""
        return [name for name, predictions in self.predictions.items() if predictions.run.limited]

    def verdicts(self, least_score: float, protocol: str) -> dict[str, Verdicts]:
        """What the evaluation says of each run where detections of at least `least_score` count."""
        rules = protocol_named(protocol)
        return {name: judge(self.index, one, least_score, rules) for name, one in self.predictions.items()}

    def reached(self) -> dict[str, NDArray[np.bool_]]:
        """Which videos each run reached, `(V,)`: all of them, unless it was limited and tells its times."""
        return {name: _reached(self.index, one) for name, one in self.predictions.items()}


def _refuse_unlike_data(stated: Mapping[str, str]) -> None:
    first = next(iter(stated.items()), ("", ""))
    for name, fingerprint in stated.items():
        if fingerprint != first[1]:
            raise PredictionError(
                f"unlike data can't be compared: {first[0]} was made for the index {first[1]}, {name} for {fingerprint}"
            )


def _of_own(options: ReadOptions) -> ReadOptions:
    """What the options say of a file of vidkit's own: not how to understand it, for the file tells that."""
    return ReadOptions(invalid=options.invalid, partial=options.partial, any_index=options.any_index)


def _reached(index: Index, predictions: Predictions) -> NDArray[np.bool_]:
    if not predictions.run.limited or predictions.times is None:
        return np.ones(index.n_videos, bool)
    timed = index.frame_video[np.isfinite(predictions.times.compute_seconds)]
    return np.asarray(np.bincount(timed, minlength=index.n_videos) > 0)
