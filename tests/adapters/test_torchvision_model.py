from pathlib import Path

import numpy as np
import pytest

from tests.adapters.bright_box import frame_with
from tests.makers import make_classes
from vidkit.classes import ObjectClass
from vidkit.errors import DetectorError
from vidkit.harness.detector import Describing, Detector, DetectorContext

torch = pytest.importorskip("torch")
try:
    from torchvision.models import detection, get_model

    from vidkit.adapters import torchvision_model
    from vidkit.adapters.torchvision_model import TorchvisionDetector, torchvision
except (ImportError, RuntimeError, DetectorError) as error:  # RuntimeError: one that doesn't fit this torch
    pytest.skip(f"needs torchvision: {error}", allow_module_level=True)

MODEL = "fasterrcnn_mobilenet_v3_large_320_fpn"
CLASSES = make_classes(4)
COCO = (ObjectClass("car", "car"), ObjectClass("cattle", "n02402425"), ObjectClass("fox", "n02118333"))


def make(path=None, classes=CLASSES, **options):
    return torchvision(DetectorContext(classes, "cpu", path), **{"model": MODEL} | options)


def network(n=5, **how):
    torch.manual_seed(1)
    return get_model(MODEL, weights=None, weights_backbone=None, num_classes=n, **how).eval()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(network().state_dict(), path)
    return path


def test_a_checkpoint_finds_what_torchvision_finds(checkpoint):
    frame = np.random.default_rng(0).integers(0, 256, (128, 160, 3)).astype(np.uint8)
    detector = make(checkpoint, score_threshold=0.0)
    assert isinstance(detector, Detector) and isinstance(detector, Describing)
    ours = next(detector.detect([frame]))
    other = network(box_score_thresh=0.0)
    with torch.inference_mode():
        theirs = other([torch.from_numpy(frame).permute(2, 0, 1) / 255])[0]
    assert len(ours) > 0
    assert np.array_equal(ours.boxes, theirs["boxes"].numpy())
    assert np.array_equal(ours.scores, theirs["scores"].numpy())
    assert np.array_equal(ours.class_ids, theirs["labels"].numpy() - 1)  # background and the index's classes
    assert detector.name == MODEL
    assert detector.describe()["weights"] == "mine.pth"


class FindsWhite(torch.nn.Module):
    """A network that finds the one white box, with torchvision's own resizing before and after it."""

    def __init__(self, shorter: int) -> None:
        super().__init__()
        self.transform = detection.transform.GeneralizedRCNNTransform(shorter, 2000, [0, 0, 0], [1, 1, 1])

    def forward(self, images):
        batch, _ = self.transform(images)
        y, x = torch.nonzero(batch.tensors[0, 0] > 0.5, as_tuple=True)
        box = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1])[None].float()
        found = {"boxes": box, "scores": torch.ones(1), "labels": torch.ones(1, dtype=torch.int64)}
        return self.transform.postprocess([found], batch.image_sizes, [image.shape[-2:] for image in images])


@pytest.mark.parametrize("shorter", [128, 256])
def test_a_known_box_comes_out_the_same(checkpoint, shorter):
    names = make(checkpoint).class_names
    detector = TorchvisionDetector("white", FindsWhite(shorter).eval(), torch.device("cpu"), names, "none")
    (found,) = detector.detect([frame_with((40, 32, 80, 96))])
    assert found.boxes[0].tolist() == pytest.approx([40, 32, 80, 96], abs=1e-4)


def test_random_weights_have_cocos_labels_and_are_the_same_each_time():
    detector = make(weights="random", classes=COCO, shorter=64)
    said = detector.describe()
    assert said["classes_matched"] == "car, cow → cattle"
    assert said["classes_missing"] == "fox"
    assert (
        said["classes_dropped"].startswith("person, bicycle, motorcycle") and "(78 in all)" in said["classes_dropped"]
    )
    assert (said["weights"], said["input_size"]) == ("random", "shorter side 64, longer at most 640")
    again = make(weights="random", classes=COCO, shorter=64)
    assert all(
        torch.equal(*pair) for pair in zip(detector.network.parameters(), again.network.parameters(), strict=True)
    )


def test_published_weights_come_safely_and_as_torchvision_runs_them(monkeypatch, tmp_path):
    """Their file's name says what they are; batch norms that were frozen are frozen again."""
    torch.manual_seed(2)
    state = network(91).state_dict()
    frozen = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    asked = {}

    def fetched(url, **how):
        asked.update(how, url=url)
        return dict(frozen)

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetched)
    detector = make(classes=COCO)
    assert asked["url"].endswith("fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth")
    assert (asked["check_hash"], asked["weights_only"]) == (True, True)
    theirs = get_model(MODEL, weights="DEFAULT").eval()
    pixels = torch.rand(3, 96, 128)
    with torch.inference_mode():
        ours, others = (each.backbone(pixels[None]).values() for each in (detector.network, theirs))
        for one, other in zip(ours, others, strict=True):
            assert torch.equal(one, other)


def test_weights_that_can_not_be_fetched(monkeypatch):
    def offline(url, **how):
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(DetectorError, match="can't be fetched: no route to host; fetch it elsewhere and give it by"):
        make(classes=COCO)


def test_a_published_file_is_known_by_its_checksum(monkeypatch, tmp_path):
    path = tmp_path / "renamed.pth"
    torch.save({name: t for name, t in network(91).state_dict().items() if "batches" not in name}, path)
    assert torchvision_model._published(MODEL, path) is None
    digest = torchvision_model.hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision_model, "_file_name", lambda weights: f"anything-{digest[:8]}.pth")
    found = torchvision_model._published(MODEL, path)
    assert found is not None and "car" in found.meta["categories"]
    assert make(path, classes=COCO).describe()["classes_missing"] == "fox"


def test_weights_under_model_and_their_labels_in_a_file(tmp_path):
    path, labels = tmp_path / "mine.pth", tmp_path / "labels.txt"
    torch.save({"model": network(3).state_dict(), "epoch": 3}, path)
    labels.write_text("__background__\nclass2\ntree\n")
    detector = make(path, labels=labels)
    assert detector.class_names.ids.tolist() == [-1, 2, -1]
    assert detector.describe()["classes_dropped"] == "tree"


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("touched"),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Evil(), "can't be read as a file of tensors"),
        ({"model": {"a": Evil()}}, "can't be read as a file of tensors"),
        ([1, 2], "holds a list; wanted a state dict"),
        ({}, "wanted a state dict"),
        ({"a": 3}, "'a' is no plain tensor"),
        (
            {"a": torch.zeros(2)},
            "not the weights of fasterrcnn_mobilenet_v3_large_320_fpn with 5 labels: .* is missing",
        ),
    ],
)
def test_other_files_are_refused_and_nothing_is_run(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pth"
    torch.save(content, path)
    with pytest.raises(DetectorError, match=message):
        make(path)
    assert not Path("touched").exists()


def test_a_damaged_file(tmp_path, checkpoint):
    path = tmp_path / "cut.pth"
    path.write_bytes(checkpoint.read_bytes()[:5000])
    with pytest.raises(DetectorError, match="can't be read as a file of tensors"):
        make(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "fasterrcnn_resnet50_fpn_v3"}, r"no detector .*\(did you mean 'fasterrcnn_resnet50_fpn_v2'\?\)"),
        ({"weights": "random", "shorter": 3}, "'shorter': 3; wanted 16 … 8192"),
        ({"weights": "random", "score_threshold": 2.0}, "'score_threshold': 2.0; wanted 0 … 1"),
        ({"weights": "random", "model": "ssdlite320_mobilenet_v3_large", "shorter": 64}, "has a fixed size"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(DetectorError, match=message):
        make(**options)


def test_a_checkpoint_and_other_weights(checkpoint):
    with pytest.raises(DetectorError, match="not both"):
        make(checkpoint, weights="random")


def test_a_device_that_is_not_there():
    for device in ("tpu", "cuda:99"):
        with pytest.raises(DetectorError, match=f"--device {device}: "):
            torchvision(DetectorContext(CLASSES, device), model=MODEL, weights="random")
