"""Training samples as a pure function of (seed, epoch, position): which frames a network is shown, in which order."""
