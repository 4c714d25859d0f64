"""JSON Schemas (2020-12) of the messages, generated from their types."""
