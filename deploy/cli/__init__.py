"""The command line `./tally`: one module per command, loaded when it is typed."""
