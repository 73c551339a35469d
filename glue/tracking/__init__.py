"""MLflow: what stages and ablations log is spooled on the own disk, and sent by a process of its own."""
