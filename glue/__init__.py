"""The only code that imports DVC, Hydra or MLflow.

It fetches, starts, sends and asks; what follows from it is decided in ``provenline``, which knows none of the
three. Doors in ``stages`` import from here; nothing here imports a door.
"""
