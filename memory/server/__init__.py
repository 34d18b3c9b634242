"""The way to Redis: a server that is named, or the one that starts by itself."""
