"""Frames with boxes, panels a run, weight maps over frames, films."""
