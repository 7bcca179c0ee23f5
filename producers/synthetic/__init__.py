"""Synthetic usage: plausible traffic for demonstrations, and frames for load tests."""
