"""`ses-streams intake`: takes in what SES says, by SNS and SQS, until SIGTERM or a failure of the world."""

from __future__ import annotations

import logging

import typer

from streams import __version__


def intake() -> None:
    """Take in SES's events by SNS posts and from SQS queues, until told to stop.

    It listens for SNS where SES_STREAMS_INTAKE__SNS__TOPICS names the topics whose messages are taken, and reads the
    queues of SES_STREAMS_INTAKE__SQS__QUEUES with the credentials that AWS's default chain finds. A post is answered,
    and a message deleted, only after Kafka has acknowledged what it became. Events go to the feedback topic, what
    cannot be used to the dead letters. What a message only names in S3, such as a mail that SES keeps, is fetched from
    the buckets of SES_STREAMS_INTAKE__OBJECTS__BUCKETS. Run as many as you like; it keeps nothing. It serves /metrics
    and /health on SES_STREAMS_WEB__PORT, the webhook on SES_STREAMS_INTAKE__SNS__PORT. SIGTERM stops it cleanly.

    Exit codes: 0 stopped as told, 2 bad settings, 3 the world failed: nothing is lost, start it again.
    """
    from streams.errors import WORLD_FAILED
    from streams.observe.logs import set_up_logs
    from streams.settings import load_settings

    settings = load_settings()
    set_up_logs(settings.log)
    logging.getLogger(__name__).info("ses-streams %s: intake for brokers %s", __version__, settings.brokers)

    from streams.bridge import run

    if run(settings) != 0:
        raise typer.Exit(WORLD_FAILED)
