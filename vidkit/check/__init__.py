"""Faults of a data set on disk or of an index. docs/checking_data.md explains the kinds."""
