"""The evidence dossier: every artifact of a run by its hash, and the links between them."""
