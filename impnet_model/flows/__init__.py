"""Motion between frames, and features warped along it."""
