"""One file or folder per provider. Payload shapes end at this door."""
