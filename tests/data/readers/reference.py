"""The clip that most cases of the field test tell of: six frames, two tracks, nothing in the fourth frame."""

from pathlib import Path

import numpy as np

from vidkit.data.readers.coco import read_coco
from vidkit.data.readers.source import Source


def the_reference(shared: Path, source: Source, tracked: bool = True, within: float = 1e-9) -> None:
    """Assert that a source has the frames, boxes, classes and, if `tracked`, tracks of base/ref_val.json."""
    wanted, (found,) = read_coco(shared / "field" / "base" / "ref_val.json"), source.videos
    (right,) = wanted.videos
    assert [c.name for c in source.classes] == [c.name for c in wanted.classes] == ["car", "person"]
    assert found.instance_count.tolist() == right.instance_count.tolist() == [2, 2, 2, 0, 2, 1]
    np.testing.assert_allclose(found.box, right.box, atol=within, rtol=0)
    assert found.class_id.tolist() == right.class_id.tolist()
    if tracked:
        assert len(set(zip(found.track_id.tolist(), right.track_id.tolist(), strict=True))) == 2
        assert (found.track_id >= 0).all()
