"""What developers run: set-up, checks, tests. Not part of the product."""
