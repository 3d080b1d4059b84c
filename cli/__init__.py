"""The command line. `cli/` is installed and imported as `vidkit_cli`."""
