"""Stage 6 of 6: installs, starts, stops and inspects all the others."""
