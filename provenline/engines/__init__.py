"""From a checkpoint to an engine that proves itself: export, manifest, parity, latency, build."""
