"""Changes of prices and multipliers by people: an edit in, a stored revision that is published to the log out."""
