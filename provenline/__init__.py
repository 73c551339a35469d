"""provenline: from raw footage to a detector that has proven itself."""

import os

# ONNX Runtime on Linux sends who runs which model to its maker, and keeps what it could not send below
# ~/.cache/Microsoft. It looks at this once, when it is loaded; its own call to disable that comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
