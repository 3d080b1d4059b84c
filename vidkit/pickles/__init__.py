"""Pickles and torch files of strangers, read without running anything of theirs."""
