"""Stage 4 of 6: the HTTP API answers from the warehouse."""
