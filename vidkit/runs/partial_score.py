"""The score of a run that isn't finished: of the videos that are done, and said to be so."""

from collections.abc import Mapping
from math import isnan

from vidkit.data.index import Index
from vidkit.data.part import of_videos
from vidkit.evaluation.evaluate import evaluate
from vidkit.harness.stopwatch import VideoRun
from vidkit.predictions.table import from_frames


def partial_score(done: Mapping[int, VideoRun], index: Index, n_videos: int) -> str:
    """A line with the mean AP over the videos that are `done`, of `n_videos`, under the protocol fgfa."""
    videos = sorted(done)
    part = of_videos(index, videos)
    predictions = from_frames((answer for video in videos for answer in done[video].answers), part.fingerprint)
    mean_ap = evaluate(part, predictions, by=()).mean_ap
    said = "no ground truth yet" if isnan(mean_ap) else f"mAP {100 * mean_ap:.1f} % (fgfa)"
    over = f"{len(videos)} of {n_videos} videos"
    return f"{said} over all {over}" if len(videos) == n_videos else f"PARTIAL: {said} over {over}, no score of the run"
