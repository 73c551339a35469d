"""The edge: an engine built, proven, installed and rolled back on its device; the base package alone."""
