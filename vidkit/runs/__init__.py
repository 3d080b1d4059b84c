"""Runs: what their folders hold, where they and their indices are found, and how a detector is run."""
