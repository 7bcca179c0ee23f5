"""Commands that ask for something in the log: what is meant in, control records out."""
