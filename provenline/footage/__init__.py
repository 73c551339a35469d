"""From a media list to stored frames: listing, probing, sampling plans, decoding, hashing, extraction."""
