"""Copies of the whole warehouse, taken while it is written to, and how they are put back."""
