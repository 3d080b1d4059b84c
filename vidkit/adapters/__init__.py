"""Other libraries' detectors as vidkit detectors; each is an extra, imported with its adapter's module only."""
