"""Everything that the store keeps, as one file of JSON Lines that any other store can read back."""
