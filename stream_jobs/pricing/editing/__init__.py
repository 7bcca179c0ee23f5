"""Changes of price lists, and what they change: rows of one owner in, that owner's new rows out. Nothing is edited."""
