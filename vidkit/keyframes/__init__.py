"""Keyframes: how far features travel, what propagation costs, and how keyframes were weighed."""
