"""The field's prediction formats, a module each: what it says, and how it is written."""
