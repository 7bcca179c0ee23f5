"""First sight counts: which events of the log are copies of earlier ones."""
