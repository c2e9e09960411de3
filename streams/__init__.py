"""Every mail handed to Amazon SES gets an answer: what became of it, and whether to write to that person again.

The plan of the house. Data passes through the rooms in this order, and this is a good order to read them in:

    mail/        the words: feedback, outcome, suppression, address. Plain data, no machines.
    decide/      the rules: facts in, decisions out, always with a reason. Pure; nothing here raises.
    pipeline.py  the corridor: the shapes in which records pass between the engine and the hops.
    hops/        the work of each stage: by message id (join), by recipient (suppression, retries, loops).

    intake/      how SES's events get in: envelopes peeled, both formats read, bad input told from no input.
    schemas/     the Avro contract of schemas/*.avsc in the Confluent wire format, with or without a registry.
    state/       the stored forms of what is remembered about a message and about a recipient.
    emit/        outcomes, decisions and dead letters as records; the producer and the topics' administrator.
    observe/     metrics, logs without addresses, health.

    engine/      Faust, mended and made chunk-wise: the only room that knows it.
    web/         metrics, health, the status page and the API over HTTP.
    app.py       the front door: settings -> codec -> hops -> engine -> run.
    replay.py    the hops without a broker, on event time.
    demo/        a mail day made up from a seed, and its reconciliation.
    cli/         the command, one file a group.

    partition.py which partition a key belongs to.
    topics.py    every topic as data.   settings/  every setting as data.   errors.py  every error, in one tree.

Imports point down, from cli/ to errors.py; import-linter holds the floors (pyproject.toml, docs/floor-plan.md).
"""

__version__ = "0.1.0"
