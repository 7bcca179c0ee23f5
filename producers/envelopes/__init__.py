"""Envelopes as columns: the value of a Kafka message in, a validated frame and what was refused out; and back."""
