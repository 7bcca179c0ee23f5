"""The Faust worker: wires the pure jobs to Kafka and the warehouse, exact through every crash."""
