"""What the memories of `strategies/` have in common."""
