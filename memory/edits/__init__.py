"""Notes that a person has written instead of the memory."""
