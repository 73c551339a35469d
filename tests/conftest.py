"""What holds for every test."""

from __future__ import annotations

import os

# Ultralytics reads this once, when it is imported. Some tests import it as a peer before the library
# does, and would leave the process without the lock that the library sets for itself.
os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
