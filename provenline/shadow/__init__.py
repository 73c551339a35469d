"""Two engines on the same deployment footage: compared, decided on, disagreements mined."""
