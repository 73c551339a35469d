"""One module per DVC stage. A stage is a door: it reads, calls one library function, writes."""
