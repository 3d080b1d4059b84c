"""The images of an index, put where an exported form wants them: as links, or copied; of films and tars taken out."""

import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from PIL import Image

from vidkit.data.frames import frame_file, frames_of, has_frames
from vidkit.data.index import VIDEO, Index
from vidkit.errors import FrameError

Placing = Literal["link", "copy", "none"]
_QUALITY = 95  # of JPEGs that are made of a film's frames


def place_images(index: Index, wanted: Mapping[int, Path], how: Placing, root: Path | None = None) -> int:
    """How many images were put where they are `wanted`, by frame row. Those that the index doesn't know aren't.

    `root` takes the place of the root that the index names. Raises FrameError for an image that isn't there.
    """
    of_video: defaultdict[int, dict[int, Path]] = defaultdict(dict)
    for row, path in wanted.items() if how != "none" else ():
        of_video[int(index.frame_video[row])][row] = path
    placed = 0
    for video, paths in of_video.items():
        if has_frames(index, video):
            for folder in {path.parent for path in paths.values()}:
                folder.mkdir(parents=True, exist_ok=True)
            _place_video(index, video, paths, how, root)
            placed += len(paths)
    return placed


def _place_video(index: Index, video: int, paths: Mapping[int, Path], how: Placing, root: Path | None) -> None:
    if index.files is not None and index.files.kind[video] == VIDEO:
        for row, image in zip(index.frames_of(video), frames_of(index, video, root), strict=True):
            if row in paths:
                Image.fromarray(image).save(paths[row], "JPEG", quality=_QUALITY)
        return
    for row, path in paths.items():
        file = frame_file(index, row, root)
        if isinstance(file, bytes):
            path.write_bytes(file)
            continue
        if file is None or not file.is_file():
            raise FrameError(f"{file}: no such image; was the data moved? --images none exports without images")
        if how == "copy":
            shutil.copyfile(file, path)
        else:
            path.symlink_to(file.resolve())
