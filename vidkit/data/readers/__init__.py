"""Other sources of annotations, a module each."""
