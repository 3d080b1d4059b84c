"""The networks: a box of the paper each, and the one file that wires them."""
