"""The collector: usage events over HTTP in, envelopes on Kafka out, answered only after Kafka has them."""
