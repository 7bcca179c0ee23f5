"""Stage 5 of 6: Superset dashboards, kept as code and pushed."""
