"""Detectors: what turns images into Predictions, whatever runs underneath."""
