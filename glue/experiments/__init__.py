"""DVC's experiments: its queue, what their commits hold, and the commands that run many of them."""
