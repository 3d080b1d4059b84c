"""Results as tables, and pages of text, tables and pictures."""
