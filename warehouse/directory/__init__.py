"""The directory: what departments, users, customers, features and prompts are called, since when, and by whose word."""
