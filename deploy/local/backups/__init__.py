"""Backups of a local installation: the warehouse and what is kept outside it, in one folder."""
