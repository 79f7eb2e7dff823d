"""What a rule can do, one file each."""
