"""`ses-streams intake`: takes in what SES says, by SNS and SQS, until SIGTERM or a failure of the world."""

from __future__ import annotations

import logging

from streams import __version__
from streams.cli.options import JsonOption


def intake(*, as_json: JsonOption = False) -> None:
    """Take in SES's events by SNS posts and from SQS queues, until told to stop.

    It listens for SNS where SES_STREAMS_INTAKE__SNS__TOPICS names the topics whose messages are taken, and reads the
    queues of SES_STREAMS_INTAKE__SQS__QUEUES with the credentials that AWS's default chain finds. A post is answered,
    and a message deleted, only after Kafka has acknowledged what it became. Events go to the feedback topic, what
    cannot be used to the dead letters. What a message only names in S3, such as a mail that SES keeps, is fetched from
    the buckets of SES_STREAMS_INTAKE__OBJECTS__BUCKETS. Run as many as you like; it keeps nothing. It serves /metrics
    and /health on SES_STREAMS_WEB__PORT, the webhook on SES_STREAMS_INTAKE__SNS__PORT. SIGTERM stops it cleanly.

    With --json one object says that it starts and one how it ended, and the log on stderr is JSON, too.

    Exit codes: 0 stopped as told, 2 bad settings, 3 the world failed: nothing is lost, start it again.
    """
    from streams.cli.serving import serve, settings_and_log

    settings = settings_and_log("intake", as_json=as_json)
    logging.getLogger(__name__).info("ses-streams %s: intake for brokers %s", __version__, settings.brokers)

    from streams.bridge import run

    serve("intake", run, settings, as_json=as_json)
