"""Lessons: every memory learned by watching it, each a file of data that is played with the real thing."""
