"""torchvision's detectors: Faster R-CNN, RetinaNet, FCOS, SSD and their kin, with published weights or one's own."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from vidkit.adapters.class_names import ClassNames, labels_of, match, read_pairs
from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import DetectorError, MissingLibraryError, did_you_mean
from vidkit.harness.detector import Detector, DetectorContext, Image

try:
    import torch
    from torch import Tensor, nn
    from torchvision.models import WeightsEnum, detection, get_model, get_model_weights, list_models
    from torchvision.ops.misc import FrozenBatchNorm2d
except ModuleNotFoundError as error:
    raise MissingLibraryError(f'{error.name} is not installed: pip install "vidkit-vod[torchvision]"') from error

from vidkit.adapters.torch_device import device_of, wait_for

State = Mapping[str, Tensor]
BACKGROUND = "__background__"
WITHOUT_EPSILON = {
    "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
    "keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
    "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    "retinanet_resnet50_fpn_coco-eeacb38b.pth",
}
"""Published files that torchvision runs with an epsilon of 0 in their batch norms, as they were trained."""


def torchvision(
    context: DetectorContext,
    *,
    model: str = "fasterrcnn_resnet50_fpn_v2",
    weights: Literal["default", "random"] | None = None,
    labels: Literal["index"] | Path | None = None,
    classes: Path | None = None,
    score_threshold: float | None = None,
    shorter: int | None = None,
) -> Detector:
    """A detector of torchvision; its published weights, or a state dict by --checkpoint, or random ones for timing.

    model: its name in `torchvision.models.detection`. weights: "default" (downloaded) where there is no checkpoint.
    labels: a file with the names of a checkpoint's labels, the first mostly `__background__`; "index" for background
    and the index's classes. classes: a file that says which of its classes is which of the index's. score_threshold,
    shorter: the least score, and the shorter side of the input in pixels, where the model's own aren't wanted.
    """
    if model not in (known := list_models(module=detection)):
        raise DetectorError(
            f"torchvision has no detector {model!r}{did_you_mean(model, known)}; it has: {', '.join(known)}"
        )
    if context.checkpoint is not None and weights is not None:
        raise DetectorError("torchvision: give --checkpoint FILE or --option weights, not both")
    device = device_of(context.device)
    told = labels_of(labels, context.classes)
    given = (BACKGROUND, *told) if told and labels == "index" else told
    if weights == "random":
        loaded = _random(model, given)
    else:
        loaded = _trained(model, context, given)
    _set_score_threshold(loaded.network, score_threshold)
    _set_shorter(loaded.network, shorter)
    names = match(loaded.labels, context.classes, read_pairs(classes), may_miss=weights == "random")
    return TorchvisionDetector(model, loaded.network.eval().to(device), device, names, loaded.said)


@dataclass(frozen=True, eq=False)
class TorchvisionDetector:
    """A network of torchvision, called for each frame: it takes no frame ahead.

    Its boxes are corners with continuous edges, in pixels of the image as it was handed over: vidkit's convention.
    """

    name: str
    network: nn.Module
    device: torch.device
    class_names: ClassNames
    weights: str

    def detect(self, frames: Iterable[Image]) -> Iterator[Detections]:
        """Yield what the network finds in each frame."""
        return map(self.answer, frames)

    @torch.inference_mode()
    def answer(self, frame: Image) -> Detections:
        """Return what the network finds in one frame."""
        pixels = torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1))).to(self.device)
        (found,) = self.network([pixels.float() / 255])
        boxes, scores, labels = (found[name].cpu().numpy() for name in ("boxes", "scores", "labels"))
        return self.class_names.detections(boxes, scores, labels, frame.shape[1], frame.shape[0])

    @property
    def classes(self) -> Sequence[ObjectClass]:
        """Its own classes, where there is no index."""
        return self.class_names.own

    def synchronize(self) -> None:
        """Wait for the device."""
        wait_for(self.device)

    def describe(self) -> Mapping[str, str | int]:
        """Return what the speed depends on, and which class went where."""
        name = {"device": torch.cuda.get_device_name(self.device)} if self.device.type == "cuda" else {}
        transform: Any = self.network.transform
        size = transform.fixed_size
        return {
            **name,
            "weights": self.weights,
            "precision": "float32",
            "batch": 1,
            "input_size": f"{size[0]}x{size[1]}"
            if size
            else f"shorter side {transform.min_size[-1]}, longer at most {transform.max_size}",
            **self.class_names.describe(),
        }


# -- weights -----------------------------------------------------------------------------------------------------------


class Loaded(NamedTuple):
    """A network, the names of its labels, and what is said of its weights."""

    network: nn.Module
    labels: Sequence[str]
    said: str


def _random(model: str, given: Sequence[str] | None) -> Loaded:
    """Return a network with the same random weights each time; its labels are COCO's where none are given."""
    labels = given or get_model_weights(model).DEFAULT.meta["categories"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Loaded(_network(model, len(labels)), labels, "random")


def _trained(model: str, context: DetectorContext, given: Sequence[str] | None) -> Loaded:
    if context.checkpoint is None:
        published = get_model_weights(model).DEFAULT
        state, said = _downloaded(published), str(published)
    else:
        state, said = _read(context.checkpoint), context.checkpoint.name
        published = _published(model, context.checkpoint)
    labels = given or (published.meta["categories"] if published else _labels_by_shape(model, state, context.classes))
    network = _network(model, len(labels))
    if frozen := _frozen(network, state):
        zero = published is not None and _file_name(published) in WITHOUT_EPSILON
        _freeze(network, frozen, 0.0 if zero else None)
    if wrong := _differing(network.state_dict(), state):
        raise DetectorError(
            f"{said}: not the weights of {model} with {len(labels)} labels: {'; '.join(wrong[:3])}"
            f"{f' … ({len(wrong)} in all)' if len(wrong) > 3 else ''}. Choose the model by --option model=NAME, and "
            f"name its labels, {BACKGROUND} among them, by --option labels=FILE"
        )
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return Loaded(network, labels, said)


def _network(model: str, n_labels: int) -> nn.Module:
    network: nn.Module = get_model(model, weights=None, weights_backbone=None, num_classes=n_labels)
    return network


def _downloaded(weights: WeightsEnum) -> State:
    """Return a published state dict from torch's cache, or from its address; nothing but tensors is unpickled."""
    try:
        return _checked(weights.get_state_dict(progress=False, check_hash=True, weights_only=True), str(weights))
    except OSError as error:
        raise DetectorError(
            f"{weights.url}: can't be fetched: {error}; fetch it elsewhere and give it by --checkpoint, or take random "
            "weights for timing: --option weights=random"
        ) from error


def _read(path: Path) -> State:
    """Return the state dict in a file, by itself or under "model" or "state_dict"; nothing but tensors is unpickled."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its reader stumbles on
        raise DetectorError(
            f"{path}: can't be read as a file of tensors ({type(error).__name__}). Whatever else it holds would be run "
            "as a program; where you trust it, save the weights alone: torch.save(model.state_dict(), FILE)"
        ) from error
    for name in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    return _checked(content, str(path))


def _checked(content: object, place: str) -> State:
    if not isinstance(content, dict) or not content or not all(isinstance(name, str) for name in content):
        raise DetectorError(f"{place}: holds a {type(content).__name__}; wanted a state dict, tensors by their names")
    for name, tensor in content.items():
        if not isinstance(tensor, Tensor) or tensor.layout != torch.strided or tensor.is_meta:
            raise DetectorError(f"{place}: {name!r} is no plain tensor; wanted a state dict, tensors by their names")
    return content


def _published(model: str, path: Path) -> WeightsEnum | None:
    """Return the published weights that a file is, by the digits of its checksum in their file names; else None."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    for weights in get_model_weights(model):
        if digest.startswith(_file_name(weights).removesuffix(".pth").rpartition("-")[2]):
            return weights
    return None


def _file_name(weights: WeightsEnum) -> str:
    return str(weights.url).rpartition("/")[2]


def _labels_by_shape(model: str, state: State, classes: Sequence[ObjectClass]) -> Sequence[str]:
    """Return the labels of a checkpoint that tells none: the index's classes or COCO's, whichever it has as many of."""
    index = [each.name for each in classes]
    coco = get_model_weights(model).DEFAULT.meta["categories"]
    for labels in ([BACKGROUND, *index], coco, index):
        with torch.device("meta"):
            network = _network(model, max(len(labels), 2))
        shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        if all(state[name].shape == shape for name, shape in shapes.items() if name in state):
            return labels
    return [BACKGROUND, *index]  # whose differences are then told


def _frozen(network: nn.Module, state: State) -> set[str]:
    """Return the names of batch norms that count no batches in `state`: those that were frozen."""
    return {
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        and f"{name}.running_mean" in state
        and f"{name}.num_batches_tracked" not in state
    }


def _freeze(network: nn.Module, names: set[str], epsilon: float | None) -> None:
    """Put torchvision's frozen batch norms in place of those called `names`; with their own epsilon if None."""
    for name in names:
        parent, _, last = name.rpartition(".")
        norm: Any = network.get_submodule(name)
        setattr(
            network.get_submodule(parent),
            last,
            FrozenBatchNorm2d(norm.num_features, norm.eps if epsilon is None else epsilon),
        )


def _differing(wanted: State, found: State) -> list[str]:
    return [
        *(f"{name} is missing" for name in wanted if name not in found),
        *(f"{name} isn't one of its tensors" for name in found if name not in wanted),
        *(
            f"{name} is {tuple(found[name].shape)}, wanted {tuple(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in found and found[name].shape != tensor.shape
        ),
    ]


# -- options -----------------------------------------------------------------------------------------------------------


def _set_score_threshold(network: Any, threshold: float | None) -> None:
    if threshold is None:
        return
    if not 0 <= threshold <= 1:
        raise DetectorError(f"option 'score_threshold': {threshold}; wanted 0 … 1")
    holder = network.roi_heads if hasattr(network, "roi_heads") else network
    holder.score_thresh = threshold


def _set_shorter(network: Any, shorter: int | None) -> None:
    if shorter is None:
        return
    if network.transform.fixed_size is not None:
        raise DetectorError("option 'shorter': the input of this model has a fixed size")
    if not 16 <= shorter <= 8192:
        raise DetectorError(f"option 'shorter': {shorter}; wanted 16 … 8192 pixels")
    network.transform.min_size = (shorter,)
