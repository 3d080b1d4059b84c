"""A detector without weights that finds the one bright box of a frame, as an ONNX file: what comes out is known."""

from pathlib import Path

import numpy as np

LABELS = 3
LABEL, SCORE = 1, 0.75

FIND = """
  bright = ReduceMax <axes = [1], keepdims = 0> (pixels)
  half = Constant <value_float = {threshold}> ()
  mask = Greater (bright, half)
  lit = Cast <to = 1> (mask)
  rows = ReduceMax <axes = [2], keepdims = 0> (lit)
  columns = ReduceMax <axes = [1], keepdims = 0> (lit)
  left = ArgMax <axis = 1> (columns)
  top = ArgMax <axis = 1> (rows)
  last_x = ArgMax <axis = 1, select_last_index = 1> (columns)
  last_y = ArgMax <axis = 1, select_last_index = 1> (rows)
  corner = Concat <axis = 1> (left, top)
  last = Concat <axis = 1> (last_x, last_y)
  one = Constant <value_int = 1> ()
  end = Add (last, one)
  from = Cast <to = 1> (corner)
  to = Cast <to = 1> (end)
"""
ENDS = {
    "boxes-scores-labels": (
        "float[1, 4] boxes, float[1] scores, int64[1] labels",
        """
  boxes = Concat <axis = 1> (from, to)
  scores = Constant <value_floats = [0.75]> ()
  labels = Constant <value_ints = [1]> ()
""",
    ),
    "yolo": (
        "float[1, 7, 1] output0",
        """
  sum = Add (from, to)
  two = Constant <value_float = 2.0> ()
  centre = Div (sum, two)
  sides = Sub (to, from)
  shares = Constant <value = float[1, 3] {0.1, 0.75, 0.2}> ()
  line = Concat <axis = 1> (centre, sides, shares)
  behind = Constant <value_ints = [2]> ()
  output0 = Unsqueeze (line, behind)
""",
    ),
    "rows": (
        "float[1, 1, 6] output0",
        """
  rest = Constant <value = float[1, 2] {0.75, 1.0}> ()
  line = Concat <axis = 1> (from, to, rest)
  before = Constant <value_ints = [0]> ()
  output0 = Unsqueeze (line, before)
""",
    ),
}


def write_model(
    path: Path,
    layout: str = "yolo",
    shape: str = "1, 3, 128, 160",
    metadata: dict[str, str] | None = None,
    threshold: float = 0.7,
    red_only: bool = False,
) -> Path:
    """Write the model whose input has the shape `shape`; with `red_only` it looks at the first channel alone."""
    import onnx
    import onnx.parser

    outputs, end = ENDS[layout]
    take = (
        "  zero = Constant <value_ints = [0]> ()\n  pixels = Gather <axis = 1> (image, zero)"
        if red_only
        else "  pixels = Identity (image)"
    )
    text = (
        f'<ir_version: 8, opset_import: ["": 13]>\nbright (float[{shape}] image) => ({outputs}) {{\n{take}'
        f"{FIND.replace('{threshold}', str(threshold))}{end}}}"
    )
    model = onnx.parser.parse_model(text)
    onnx.helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def frame_with(box: tuple[int, int, int, int], width: int = 160, height: int = 128, colour: object = 255) -> np.ndarray:
    """A black frame with a bright box, x2 and y2 exclusive."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[box[1] : box[3], box[0] : box[2]] = colour
    return frame
