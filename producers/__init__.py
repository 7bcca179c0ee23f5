"""Stage 1 of 6: usage events are made, checked and put into Kafka."""
