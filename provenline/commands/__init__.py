"""The sub-commands of `provenline`, one module each; `provenline.cli` puts them together."""
