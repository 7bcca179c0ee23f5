"""Local hours, days and weeks: time zones in, instants and dates out."""
