"""What a detector around another one tells of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from vidkit.classes import ObjectClass
from vidkit.harness.detector import Detector, Naming


class Around:
    """A detector that works with the answers of `inner`."""

    inner: Detector

    @property
    def classes(self) -> Sequence[ObjectClass]:
        """Those that the detector knows by itself."""
        return self.inner.classes if isinstance(self.inner, Naming) else ()

    def synchronize(self) -> None:
        """Wait for the device."""
        self.inner.synchronize()

    def describe(self) -> Mapping[str, Any]:
        """What the speed depends on."""
        return {**getattr(self.inner, "describe", dict)()}
