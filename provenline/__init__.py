"""provenline: from raw footage to a detector that has proven itself."""
