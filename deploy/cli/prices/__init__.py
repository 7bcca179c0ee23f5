"""`./tally prices` and `./tally multipliers`: what usage costs and counts, since when, and who said so."""
