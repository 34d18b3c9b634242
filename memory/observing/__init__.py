"""What a running app tells those who run it: figures for Prometheus, lines for a log. Neither holds what was said."""
