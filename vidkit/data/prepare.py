"""`prepare`: annotations of any form → an index file for each split, whole or not at all."""

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from vidkit.data.class_list import choose_classes, classes_of
from vidkit.data.frames import has_frames, is_there
from vidkit.data.ilsvrc.motion_file import MotionFile, read_motion_file
from vidkit.data.ilsvrc.split_plan import SplitPlan, plan_splits
from vidkit.data.ilsvrc.split_reading import prepare_split
from vidkit.data.prepared import Part, Summary, write_part
from vidkit.data.readers import BY_OPTION, FORMS, AnnotationForm, Option, form_of, forms_taking
from vidkit.data.readers.source import Source
from vidkit.data.readers.sparse import with_all_frames
from vidkit.data.reading_processes import default_workers, reading_processes
from vidkit.data.records import LeftOut, VideoTable
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError, ArgumentError, ChoiceError, did_you_mean
from vidkit.progress import ShowProgress, no_progress

LOG = logging.getLogger(__name__)
Place = str | Path
IGNORED = "ignored regions: detections in them are neither true nor false"
NOT_FOUND = "videos whose frames aren't where the annotations say; --frames DIR says where they are"
Tell = Callable[[str], object]
_NAME = re.compile(r"\w[\w.-]*")


def prepare(
    *paths: Place,
    form: str | None = None,
    vid_root: Place | None = None,
    det_root: Place | None = None,
    frames: Place | None = None,
    first_pixel: int | None = None,
    size: tuple[int, int] | None = None,
    name: str | None = None,
    lists: Sequence[Place] = (),
    splits: Sequence[str] = (),
    classes: Place | None = None,
    motion_iou: Place | None = None,
    frames_tar: Place | None = None,
    out: Place = "vidkit-data",
    workers: int | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    check_images: bool = False,
    tell: Tell = LOG.info,
    show_progress: ShowProgress = no_progress,
    **forms: Place | Sequence[Place] | None,
) -> list[Summary]:
    """What is in each index that was written into the folder `out`: of ILSVRC trees, or of one other form.

    Args:
        paths, form: annotations of a form that is found by looking, or that `form` names; an index for each.
        vid_root, det_root: ILSVRC trees with Annotations/VID and with Annotations/DET; one may be both.
        forms: paths by the form of their annotations, as in coco=["val.json"]; see `vidkit.data.readers.FORMS`.
        frames, first_pixel, size, name: of forms: where images are, how pixels count, (width, height) of films that
            aren't there, what the data set is called.
        classes: a file of lines `wnid name`, or names, separated by commas; of trees those of VID.
        splits: of trees and YOLO: only these; of forms: what the split of each path is called.
        lists, motion_iou, frames_tar: of trees: frame lists, FGFA's side file, a plain tar of the images.
        on_error, check_images: of trees: list malformed files and go on; read the header of every image.

    Raises ArgumentError for what doesn't go together, AnnotationError for what breaks the rules of its form.
    """
    if form is None and len(paths) == 1 and vid_root is None and det_root is None:
        vid_root, det_root = _trees_at(Path(paths[0]), tell)
        paths = () if vid_root or det_root else paths
    roots = _path(vid_root), _path(det_root)
    given = {name: _paths(each) for name, each in forms.items() if each} | _looked_at(paths, form, tell)
    _check_choices(roots != (None, None), given, on_error, first_pixel, workers)
    skip = on_error == "skip"
    of_forms: dict[Option, Any] = {"frames": _path(frames), "first_pixel": first_pixel, "size": size}
    if given:
        of_trees = {"--list": lists, "--motion-iou": motion_iou, "--frames-tar": frames_tar}
        _refuse(of_trees | {"--on-error skip": skip, "--check-images": check_images}, "--vid-root or --det-root")
        return _prepare_form(*given.popitem(), name, splits, of_forms | {"classes": classes}, Path(out))
    _refuse({"--name": name}, _either(BY_OPTION))
    for option, value in of_forms.items():
        _refuse({_flag(option): value is not None}, _takers(option))
    chosen = classes_of(roots[0] or roots[1]) if classes is None else choose_classes(str(classes))
    plans = plan_splits(*roots, [Path(path) for path in lists], splits, skip, _path(frames_tar))
    motion = None if motion_iou is None else read_motion_file(Path(motion_iou))
    of_motion = {} if motion is None else _motion_of_plans(motion, plans, tell)
    with reading_processes(workers or default_workers()) as mapping:
        common = Path(out), chosen, skip, check_images
        return [prepare_split(plan, *common, of_motion.get(plan.file_name), mapping, show_progress) for plan in plans]


def _trees_at(path: Path, tell: Tell) -> tuple[Path | None, Path | None]:
    """The path as root of VID and as root of DET, as far as it has ImageNet's layout, which is told."""
    vid, det = (path if (path / "Annotations" / kind).is_dir() else None for kind in ("VID", "DET"))
    if vid or det:
        tell(f"{path}: ImageNet's tree ({' and '.join(n for n, p in (('VID', vid), ('DET', det)) if p)})")
    return vid, det


def _looked_at(paths: Sequence[Place], form: str | None, tell: Tell) -> dict[str, list[Path]]:
    """The paths by the form that they are of, which is told; ArgumentError where they are of several."""
    if not paths:
        if form is not None:
            raise ArgumentError(f"--from {form}: of which PATH?")
        return {}
    places = [Path(path) for path in paths]
    found = {path: form or form_of(path) for path in places}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{path}: {name}" for path, name in found.items())
        raise ArgumentError(f"annotations of several forms ({listed}): prepare them one after the other")
    (name,) = set(found.values())
    if form is None:
        tell(f"{places[0]}: {FORMS[name].what} ({name}); --from says otherwise")
    return {name: places}


def _path(place: Place | None) -> Path | None:
    return None if place is None else Path(place)


def _paths(places: Place | Sequence[Place]) -> list[Path]:
    return [Path(p) for p in ([places] if isinstance(places, str | Path) else places)]


def _either(forms: Iterable[str]) -> str:
    """As "--coco, --mot or --voc" for these forms."""
    *others, last = (f"--{form}" for form in forms)
    return f"{', '.join(others)} or {last}" if others else last


def _takers(option: Option) -> str:
    """The forms that take an option: those with an option of their own, else the names of the others."""
    named = forms_taking(option)
    return _either(named) if named else "--from " + " or ".join(n for n, f in FORMS.items() if option in f.takes)


def _flag(option: Option) -> str:
    return f"--{option.replace('_', '-')}"


def _refuse(options: Mapping[str, object], goes_with: str) -> None:
    """Raise ArgumentError for the first of these options that was given: it goes with something else."""
    given = next((option for option, value in options.items() if value), None)
    if given is not None:
        raise ArgumentError(f"{given} goes with {goes_with}")


def _check_choices(
    trees: bool, given: Mapping[str, Sequence[Path]], on_error: str, first_pixel: int | None, workers: int | None
) -> None:
    """Raise ArgumentError unless trees or one form were given, and for values that an argument doesn't have."""
    for form, paths in given.items():
        if form not in FORMS:
            raise ArgumentError(f"no argument and no form of annotations {form!r}{did_you_mean(form, list(FORMS))}")
        if len(paths) > 1 and not (FORMS[form].several or FORMS[form].together):
            raise ArgumentError(f"{form}: {len(paths)} paths, wanted one")
    if trees + len(given) != 1:
        ways = ["--vid-root ROOT (and --det-root ROOT)", *(f"--{form} {FORMS[form].place}" for form in BY_OPTION)]
        ways.append("PATH")
        raise ArgumentError(f"give one of: {', '.join(ways)}")
    if on_error not in ("stop", "skip"):
        raise ArgumentError(f"on_error {on_error!r}: wanted stop or skip")
    if first_pixel not in (None, 0, 1) or (workers is not None and workers < 1):
        raise ArgumentError(f"first_pixel {first_pixel}, workers {workers}: wanted 0 or 1, and 1 or more")


def _motion_of_plans(motion: MotionFile, plans: Sequence[SplitPlan], tell: Tell) -> dict[str, MotionFile]:
    """The side file by the index that it is for: that of the only split of VID, or of val."""
    of_vid = [plan for plan in plans if plan.split.kind == "VID"]
    fits = of_vid if len(of_vid) == 1 else [plan for plan in of_vid if plan.split.name == "val"]
    if not fits:
        raise ArgumentError("--motion-iou is for VID val, which isn't among what is to be prepared")
    tell(f"{motion.path}: {'the official file' if motion.is_official else 'not the official file'} (by SHA-256)")
    return {fits[0].file_name: motion}


# -- other forms -------------------------------------------------------------------------------------------------------


def _prepare_form(
    name: str,
    paths: Sequence[Path],
    dataset: str | None,
    splits: Sequence[str],
    options: Mapping[Option, Any],
    out: Path,
) -> list[Summary]:
    """An index for each path, or one of all; `options` are those of readers, None where they aren't given."""
    form = FORMS[name]
    if splits and len(splits) != (1 if form.together else len(paths)):
        raise ArgumentError(f"--split names the split of each {_either(BY_OPTION)}, in their order")
    taken = _options_of(name, form, {option: value for option, value in options.items() if value is not None})
    groups = [list(paths)] if form.together else [[path] for path in paths]
    if splits and "split" in form.takes:
        taken["split"] = splits[0]
    names = [(dataset or of_path, split) for of_path, split in (form.index_name(*group) for group in groups)]
    if splits:
        names = [(of_path, split) for (of_path, _), split in zip(names, splits, strict=True)]
    if len(set(names)) != len(names):
        raise ArgumentError(f"{' and '.join('_'.join(n) for n in names)}.h5: name the splits with --split")
    summaries = []
    for group, of_index in zip(groups, names, strict=True):
        started = time.perf_counter()
        summaries.append(_write_source(form.read(*group, **taken), *of_index, out, started))
    return summaries


def _options_of(name: str, form: AnnotationForm, given: Mapping[Option, Any]) -> dict[str, Any]:
    """The options for a form's reader. Raises ArgumentError for one that it needs, and for one that it doesn't take."""
    for needed, reason in form.needs.items():
        if needed not in given:
            raise ArgumentError(f"--{name} needs --{needed} FILE: {reason}")
    for option in given:
        if option not in form.takes:
            why = f": {form.refuses[option]}" if option in form.refuses else ""
            raise ArgumentError(f"{_flag(option)} goes with {_takers(option)}{why}")
    return {o: choose_classes(str(value), any_name=True) if o == "classes" else value for o, value in given.items()}


def _write_source(source: Source, dataset: str, split: str, out: Path, started: float) -> Summary:
    """What is in `out/DATASET_SPLIT.h5`, which is written; videos without frames are left out and listed."""
    for name in (dataset, split):
        if not _NAME.fullmatch(name):
            raise ChoiceError(f"{name!r} can't be part of a file's name; give --name NAME and --split NAME")
    names = Counter(c.name for c in source.classes)
    if twice := [name for name, n in names.items() if n > 1]:
        raise AnnotationError(f"{source.root}: two classes are called {twice[0]!r}; wanted a name for each")
    videos = [video for video in source.videos if len(video.frame_number)]
    if source.lists_frames:
        videos = [with_all_frames(video, source.root) for video in videos]
    empty = tuple(LeftOut(v.name, "a video without frames") for v in source.videos if not len(v.frame_number))
    index = build_index(videos, source.classes, dataset, split, str(source.root.resolve()), source.class_ids)
    not_found = sum(has_frames(index, v) and not is_there(index, v) for v in range(index.n_videos))
    part = Part(
        index=index,
        n_items=len(source.videos),
        n_files=index.n_frames,
        counts=sum((_noticed(video) for video in videos), Counter()) + Counter({NOT_FOUND: not_found}),
        left_out=(*source.left_out, *empty),
        remarks=(),
    )
    return write_part(out / f"{dataset}_{split}.h5", part, started)


def _noticed(video: VideoTable) -> Counter[str]:
    """What a reader noticed in a video."""
    ignored = 0 if video.ignored is None else len(video.ignored.box)
    return Counter(video.counts) + Counter({IGNORED: ignored})
