"""The engine: Faust, mended and made chunk-wise. The only room that knows faust, aiokafka and RocksDB.

How a record walks: `thread` and `fetch` (record batches become columns) -> `consumer` (one Faust event a chunk) ->
`app` (the agent) -> `lanes`, `lane` (one writer a partition), which asks the hop -> `notary` (outputs by `producer`,
changelog, `store`) -> `errands` (what the hop wants done in the world) -> `delivery` (what may be committed).
`recovery` rebuilds a `store` from its changelog; `globaltables` and `follower` keep copies of whole topics in a
`globalstore`, for all lanes to look into; `run` starts and stops it all, `progress` says how it goes.
`ear` and `sending` hear what aiokafka keeps to itself, `refusals` says what it means, `survey` asks what nobody says,
and `watchdog` ends a worker that stands still (docs/decisions/0014).
Nothing here may know mail, Avro or metrics; a hop is a `streams.pipeline.Hop` and no more.
"""
