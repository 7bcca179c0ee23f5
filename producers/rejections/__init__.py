"""What was refused, by the collector or a worker, as records of usage.rejected."""
