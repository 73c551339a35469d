"""One module per DVC stage, and nothing else. A stage is a door: it reads, calls the library, writes."""
