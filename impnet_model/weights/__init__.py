"""Files of weights, ours and others', and the small trained networks that come with the package."""
