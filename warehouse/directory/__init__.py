"""The directory: what organisations, departments, users and the like are called, since when, and by whose word."""
