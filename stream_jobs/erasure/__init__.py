"""Erasing a user or an organisation, and sweeping after it (rule E24)."""
