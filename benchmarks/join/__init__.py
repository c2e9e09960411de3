"""The join, side by side with what a user would pick instead: one workload on Apache Kafka, read by each in turn."""
