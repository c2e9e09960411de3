"""THE CONTRACT: schemas, how a record becomes bytes and comes back, and how schemas may change.

Read in this order: files (where schemas lie), avsc (schema files as values), lock (ids and fingerprints), shape and
plain (records as JSON for people), writing and reading (fast code, made from a schema), writers (other schemas),
codec (all of it in one object), registry (ids from a Confluent-compatible registry), evolution and checks (what
`ses-streams schemas check` proves).
fastavro is known in this room only.
"""
