"""The version of vidkit, told in all that it writes."""

__version__ = "0.1.0"
