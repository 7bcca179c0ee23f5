"""Exact keys in numbers: texts to codes, rows of numbers to row numbers; no hash decides anything."""
