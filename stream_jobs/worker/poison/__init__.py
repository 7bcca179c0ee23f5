"""What to do when working on the log ends the process again and again (rule E29)."""
