"""Stores what was refused: records of usage.rejected in, rows of the table `rejected` out."""
