"""Documents that a user uploads: read, cut into passages, searched by words and by meaning, deleted with a receipt."""
