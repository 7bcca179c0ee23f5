"""Windowed sums: priced events in, absolute rows per bucket and dimensions out."""
