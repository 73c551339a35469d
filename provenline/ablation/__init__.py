"""Ablations: which cells to train, how a cell is scored, and what each factor is worth."""
