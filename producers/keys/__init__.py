"""API keys: made once, shown once, stored as hashes, checked by the collector and the API."""
