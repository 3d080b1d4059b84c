"""Samples as tensors: the same grey levels as at inference, boxes where the objects are, flips of whole samples."""

import pickle
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from impnet_model.data.examples import (
    Batch,
    Examples,
    collate,
    flip_boxes,
    loader,
    truth_of,
    with_light,
)
from impnet_model.data.frame_cache import cached_frames
from impnet_model.data.images import to_image
from impnet_model.data.resize import Resize
from tests.impnet_model import oracles
from tests.impnet_model.films import COLOURS, make_films
from vidkit.data.frames import frame
from vidkit.data.index import Index
from vidkit.errors import FormatError
from vidkit.sampling.batches import Dealing, batches
from vidkit.sampling.samplers import Sampler, impression_triplet
from vidkit.sampling.strata import Epochs

RESIZE = Resize(44, 90)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return make_films(tmp_path_factory.mktemp("films"), [6, 5, 1], [(53, 37), (37, 53)])


@pytest.fixture(scope="module")
def sampler(index: Index) -> Sampler:
    return impression_triplet([index], length=4, seed=3)


def test_images_are_those_of_inference(index: Index, sampler: Sampler) -> None:
    examples = Examples([index], sampler, RESIZE, flips=0)
    for step in range(len(sampler)):
        example, sample = examples[step], sampler.at(step)
        assert example.rows.tolist() == list(sample.frames) and not example.flipped
        for image, row in zip(example.images, sample.frames, strict=True):
            wanted = to_image(frame(index, row), RESIZE, CPU, torch.float32)
            batch = collate([replace(example, images=image[None])])
            assert torch.equal(batch.pixels()[0], wanted.pixels)


@pytest.mark.parametrize("flips", [0.0, 1.0])
@pytest.mark.parametrize("resize", [Resize(37, 53), Resize(44, 90), Resize(74, 200)])
def test_boxes_lie_where_the_objects_are(index: Index, sampler: Sampler, flips: float, resize: Resize) -> None:
    """The square's own colour fills the box, but for the border that interpolation blurs, and nothing outside."""
    examples = Examples([index], sampler, resize, flips)
    for step in range(len(sampler)):
        example = examples[step]
        image = example.images[example.rows.tolist().index(sampler.at(step).current)].permute(1, 2, 0).double()
        assert example.flipped == bool(flips)
        colour = torch.from_numpy(COLOURS[int(example.classes[0])]).double()
        rows, columns = ((image - colour).abs().amax(dim=2) < 3).nonzero().unbind(1)
        scale = resize(*([37, 53] if image.shape[1] > image.shape[0] else [53, 37]))[2]
        found = [float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1]
        wanted = (example.boxes[0] + torch.tensor([0, 0, scale, scale])).tolist()  # ends, exclusive
        assert found == pytest.approx(wanted, abs=scale + 0.51 if scale != 1 else 0.01)


def test_a_flip_is_of_all_frames_and_undone_by_another(index: Index, sampler: Sampler) -> None:
    straight, mirrored = (Examples([index], sampler, RESIZE, flips) for flips in (0, 1))
    for step in range(6):
        a, b = straight[step], mirrored[step]
        assert torch.equal(a.images.flip(-1), b.images)
        scale = RESIZE(37, 53)[2]
        assert torch.allclose(flip_boxes(b.boxes, b.images.shape[3], scale), a.boxes, atol=1e-4)
        assert (a.seed, a.step) == (b.seed, b.step)


def test_without_resizing_a_flip_is_the_published_one() -> None:
    """x' = W - x - 1, for inclusive corners."""
    boxes = torch.tensor([[3.0, 4, 10, 12], [0, 0, 52, 36]])
    assert flip_boxes(boxes, 53, 1.0).tolist() == [[42, 4, 49, 12], [0, 0, 52, 36]]


def test_about_so_many_are_flipped(index: Index, sampler: Sampler) -> None:
    examples = Examples([index], sampler, RESIZE, flips=0.25)
    share = np.mean([examples[step].flipped for step in range(400)])
    assert 0.17 < share < 0.33


@pytest.mark.parametrize(("brightness", "contrast"), [(1, 1), (1.3, 1), (1, 0.6), (0.7, 1.4), (1.9, 1.9), (0.01, 0.01)])
def test_brightness_and_contrast_are_those_of_the_loop(brightness: float, contrast: float) -> None:
    rng = np.random.default_rng(0)
    for shape in ((2, 3, 5, 4), (1, 3, 1, 1), (0, 3, 4, 4)):
        levels = rng.integers(0, 256, shape).astype(np.uint8)
        changed = with_light(torch.from_numpy(levels), brightness, contrast).numpy()
        assert changed.dtype == np.uint8
        assert np.array_equal(changed, oracles.with_light(levels, brightness, contrast))
        assert not (brightness == contrast == 1) or np.array_equal(changed, levels)


def test_jitter_changes_all_frames_alike_and_nothing_else(index: Index, sampler: Sampler) -> None:
    plain, jittered, again = (Examples([index], sampler, RESIZE, 0.5, jitter=jitter) for jitter in (0, 0.3, 0.3))
    tables = set()
    for step in (*range(12), 10**6):
        a, b = plain[step], jittered[step]
        assert torch.equal(b.images, again[step].images)  # whatever was asked for before
        assert (a.flipped, a.seed, a.step) == (b.flipped, b.seed, b.step) and torch.equal(a.boxes, b.boxes)
        pairs = {(int(x), int(y)) for x, y in zip(a.images.flatten(), b.images.flatten(), strict=True)}
        table = dict(pairs)
        assert len(table) == len(pairs)  # a level becomes the same one in all frames
        ordered = [table[level] for level in sorted(table)]
        assert ordered == sorted(ordered)
        tables.add(tuple(sorted(pairs)))
    assert len(tables) == 13


def test_boxes_are_cut_to_the_frame(tmp_path: Path) -> None:
    index = make_films(tmp_path, [1])
    wide = replace(index, box=np.array([[-5, 30, 60, 80]], np.float32))
    assert truth_of(wide, 0, 2.0)[0].tolist() == [[0, 60, 104, 72]]
    for nothing in ([60, 40, 70, 50], [-9, 3, 0, 9], [10, 10, 10, 12]):
        empty = replace(index, box=np.array([nothing], np.float32))
        assert truth_of(empty, 0, 1.0)[0].shape == (0, 4)


def test_a_batch_is_filled_up_with_zeros(index: Index, sampler: Sampler) -> None:
    examples = Examples([index], sampler, RESIZE, flips=0)
    all_steps = [examples[step] for step in range(len(sampler))]
    upright = next(e for e in all_steps if e.images.shape[2] > e.images.shape[3])
    wide = next(e for e in all_steps if e.images.shape[2] < e.images.shape[3])
    batch = collate([upright, wide])
    pixels = batch.pixels()
    assert batch.sizes == [tuple(upright.images.shape[2:]), tuple(wide.images.shape[2:])]
    for place, each in enumerate((upright, wide)):
        height, width = each.images.shape[2:]
        assert torch.equal(pixels[place, :, :, :height, :width], collate([each]).pixels()[0])
        rest = pixels[place].clone()
        rest[..., :height, :width] = 0
        assert not rest.any()
    again = Batch(**vars(batch))
    assert torch.equal(again.images, batch.images) and again.steps == batch.steps


# -- batches -----------------------------------------------------------------------------------------------------------


def test_the_stream_is_dealt_out_whole(index: Index, sampler: Sampler) -> None:
    """Any number of processes and passes asks for the same batches; each step is asked for once."""
    whole = list(islice(batches(sampler, 4), 12))
    for processes in (1, 2):
        for accumulate in (1, 2):
            ranks = [Dealing(4, accumulate, rank, processes) for rank in range(processes)]
            streams = [list(islice(dealing.passes(batches(sampler, 4)), 12 * accumulate)) for dealing in ranks]
            for number, batch in enumerate(whole):
                parts = [s[number * accumulate : (number + 1) * accumulate] for s in streams]
                assert sorted(step for part in parts for steps in part for step in steps) == sorted(batch)
                assert {len(steps) for part in parts for steps in part} == {4 // processes // accumulate}
    with pytest.raises(ValueError, match="can't be dealt out"):
        Dealing(4, 1, 0, 3)


def test_batches_are_of_one_aspect_group_and_lose_nothing(index: Index, sampler: Sampler) -> None:
    stream = list(islice(batches(sampler, 3), 40))
    width, height = index.video_size.T
    wide = [{bool(width[v] > height[v]) for v in (sampler.at(s).video for s in batch)} for batch in stream]
    assert {len(each) for each in wide} == {1} and {True} in wide and {False} in wide
    steps = [step for batch in stream for step in batch]
    assert len(set(steps)) == len(steps)
    waiting = set(range(max(steps))) - set(steps)
    assert len(waiting) <= 2  # of the group that isn't full
    assert list(islice(batches(sampler, 3, start=7), 5)) == stream[7:12]
    one = list(islice(batches(sampler, 3, edges=()), 8))
    assert [step for batch in one for step in batch] == list(range(24))


def test_workers_give_the_same_samples(index: Index, sampler: Sampler) -> None:
    examples = Examples([index], sampler, RESIZE)
    streams = [list(islice(loader(examples, batches(sampler, 2), collate, workers), 6)) for workers in (0, 2)]
    for a, b in zip(*streams, strict=True):
        assert torch.equal(a.images, b.images) and a.steps == b.steps and a.seeds == b.seeds
        assert all(torch.equal(x, y) for x, y in zip(a.boxes, b.boxes, strict=True))


def test_two_indices_keep_their_own_frames(tmp_path: Path) -> None:
    indices = [make_films(tmp_path / "a", [3], seed=1), make_films(tmp_path / "b", [1, 1, 1], seed=2)]
    sampler = impression_triplet(indices, 4, Epochs(shares=(1, 1)))
    examples = Examples(indices, sampler, RESIZE, flips=0)
    seen = Counter(examples[step].source for step in range(len(sampler)))
    assert seen == {0: 3, 1: 3}
    still = next(examples[step] for step in range(len(sampler)) if examples[step].source == 1)
    assert len(set(still.rows.tolist())) == 1 and torch.equal(still.images[0], still.images[2])
    moved = tmp_path / "elsewhere"
    (tmp_path / "a").rename(moved)
    there = Examples(indices, sampler, RESIZE, 0, [moved, None])
    assert all(torch.equal(there[s].images, there[s].images) for s in range(3))


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_a_cache_gives_the_same_samples(index: Index, sampler: Sampler, tmp_path: Path) -> None:
    cache = cached_frames(index, RESIZE, tmp_path)
    plain = Examples([index], sampler, RESIZE)
    quick = pickle.loads(pickle.dumps(Examples([index], sampler, RESIZE, caches=[cache])))
    for step in range(len(sampler)):
        a, b = plain[step], quick[step]
        assert torch.equal(a.images, b.images) and torch.equal(a.boxes, b.boxes)
    files = sorted(tmp_path.iterdir())
    stamps = [path.stat().st_mtime_ns for path in files]
    assert len(cached_frames(index, RESIZE, tmp_path)) == index.n_frames
    assert [path.stat().st_mtime_ns for path in files] == stamps  # not made again
    cached_frames(index, Resize(20, 90), tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_cache_that_was_cut_off_is_refused(index: Index, tmp_path: Path) -> None:
    cache = cached_frames(index, RESIZE, tmp_path)
    cache.path.write_bytes(cache.path.read_bytes()[:-1])
    with pytest.raises(FormatError, match=r"bytes, wanted .*delete it"):
        cached_frames(index, RESIZE, tmp_path)
    next(tmp_path.glob("*.npy")).write_bytes(b"nonsense")
    with pytest.raises(FormatError, match="wanted a table of frame sizes"):
        cached_frames(index, RESIZE, tmp_path)


def test_a_cache_of_a_missing_frame_is_never_there(tmp_path: Path) -> None:
    index = make_films(tmp_path / "films", [3])
    (tmp_path / "films" / "video0" / "000002.png").unlink()
    with pytest.raises(FormatError.__base__, match="000002"):
        cached_frames(index, RESIZE, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
