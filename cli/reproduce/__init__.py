"""The paper's tables and figures in one go: rows of vidkit's own commands."""
