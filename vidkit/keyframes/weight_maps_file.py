"""`predictions.weights.h5`: the weight maps of a run as a file. docs/formats.md has the format."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vidkit import hdf5
from vidkit.keyframes.weight_maps import WeightMaps, columns_of
from vidkit.predictions.predictions_file import run_info

WEIGHT_MAPS_FORMAT, WEIGHT_MAPS_VERSION = "vidkit-weight-maps", 1


def write_weight_maps(path: str | Path, maps: WeightMaps) -> None:
    """Write `maps` to `path`, whole or not at all."""
    run, columns = json.dumps(asdict(maps.run), default=str), columns_of(maps)
    with hdf5.creating(path, WEIGHT_MAPS_FORMAT, WEIGHT_MAPS_VERSION, hdf5.n_bytes(columns)) as file:
        file["/run"] = np.bytes_(run)
        hdf5.write_texts(file, **_told(maps), checksum=hdf5.checksum(columns, *_told(maps).values(), run))
        for name, column in columns.items():
            file[f"/keyframes/{name}"] = column


def read_weight_maps(path: str | Path) -> WeightMaps:
    """Return the weight maps stored at `path`, read whole.

    Raises FormatError if it isn't a vidkit weight-map file of a known version, is damaged, or doesn't have the content
    that its checksum tells.
    """
    with hdf5.opening(path, WEIGHT_MAPS_FORMAT, WEIGHT_MAPS_VERSION) as file:
        run = hdf5.column(file, "/run").item().decode()
        maps = WeightMaps(
            **{name: hdf5.column(file, f"/keyframes/{name}") for name in file["/keyframes"]},
            index_fingerprint=hdf5.text_of(file, "index_fingerprint"),
            predictions_fingerprint=hdf5.text_of(file, "predictions_fingerprint"),
            run=run_info(json.loads(run)),
        )
        if "checksum" in file.attrs:  # other programs may leave it out
            hdf5.check_told(file, "checksum", hdf5.checksum(columns_of(maps), *_told(maps).values(), run))
        return maps


def _told(maps: WeightMaps) -> dict[str, str]:
    return {
        "index_fingerprint": maps.index_fingerprint,
        "predictions_fingerprint": maps.predictions_fingerprint,
    }
