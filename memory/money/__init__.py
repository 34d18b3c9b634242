"""What tokens cost, have cost and will cost, with prompt caching and without."""
