"""What screens show of a turn, read from its trace: nothing here asks a model."""
