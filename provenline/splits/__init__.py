"""Which group of frames serves which purpose; what was once accepted never moves."""
