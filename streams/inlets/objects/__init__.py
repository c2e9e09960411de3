"""The road by objects in S3: files for `ingest`, and for the intake what an alert names instead of carrying it."""
