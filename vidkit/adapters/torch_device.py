"""The device of a torch model, by the name that --device gives."""

import torch

from vidkit.errors import DetectorError


def device_of(name: str) -> torch.device:
    """Return the device called `name`. Raises DetectorError if torch doesn't know it, or it isn't there."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except Exception as error:  # RuntimeError, AssertionError, NotImplementedError: as the backend likes
        raise DetectorError(f"--device {name}: {str(error).strip().partition(chr(10))[0]}") from None
    return device


def wait_for(device: torch.device) -> None:
    """Return once the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
