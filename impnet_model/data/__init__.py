"""Pixels: from a file to a tensor."""
