"""What the page Compare draws: live columns (`live*.py`), replays (`replay*.py`) and what both share."""
