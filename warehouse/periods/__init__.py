"""Closed periods: days whose figures are set down, and what changed in them later."""
