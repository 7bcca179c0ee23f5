"""One machine: Kafka, the warehouse and every process of ours under one supervisor, all state in one folder."""
