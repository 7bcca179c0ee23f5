"""Publishing control records: what was asked and stored in, signed records in the log out."""
