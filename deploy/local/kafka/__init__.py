"""Apache Kafka on one machine: fetched, configured, its topics created."""
