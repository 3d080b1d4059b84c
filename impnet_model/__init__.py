"""The Impression Network and its rivals, in torch: per-frame R-FCN, Deep Feature Flow, FGFA, FGFA-fast."""
