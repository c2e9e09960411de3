"""The engine: Faust, mended and made chunk-wise. The only room that knows faust, aiokafka and RocksDB.

How a record walks: `thread` and `fetch` (record batches become columns) -> `consumer` (one Faust event a chunk) ->
`app` (the agent) -> `lanes`, `lane` (one writer a partition: hop, outputs by `producer`, changelog, `store`) ->
`delivery` (what may be committed).
`recovery` rebuilds a `store` from its changelog, `run` starts and stops it all, `progress` says how it goes.
Nothing here may know mail, Avro or metrics; a hop is a `streams.pipeline.Hop` and no more.
"""
