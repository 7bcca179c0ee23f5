"""What providers charge: their cost reports in, stored lines beside our own figures out."""
