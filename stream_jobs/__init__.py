"""Stage 3 of 6: Kafka envelopes become deduplicated, priced and rolled-up rows."""
