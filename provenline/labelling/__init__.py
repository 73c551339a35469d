"""Labelling: what goes out to annotators and comes back."""
