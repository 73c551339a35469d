"""How long the costly stages take, against a floor and against what others use. Not installed."""
