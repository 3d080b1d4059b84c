"""ILSVRC VID and DET: the tree on disk, its annotations, and an index for each split."""
