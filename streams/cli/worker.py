"""`ses-streams worker`: one worker, until SIGTERM or a failure of the world."""

from __future__ import annotations

import logging

from streams import __version__
from streams.cli.options import JsonOption


def worker(*, as_json: JsonOption = False) -> None:
    """Send what is asked for, join sends with what became of them, until told to stop.

    One process of a consumer group: start as many as there are partitions. It reads its settings from SES_STREAMS_*
    (see `ses-streams config`), wants its topics to exist (`ses-streams topics create`), keeps its tables under
    SES_STREAMS_DATA_DIR, and serves /metrics and /health on SES_STREAMS_WEB__PORT. It sends mail only where
    SES_STREAMS_DISPATCH__ENABLED is true, with the credentials that AWS's default chain finds. SIGTERM stops it
    cleanly.

    With --json one object says that it starts and one how it ended, and the log on stderr is JSON, too.

    Exit codes: 0 stopped as told, 2 bad settings, 3 the world failed: nothing is lost, start it again.
    """
    from streams.cli.serving import serve, settings_and_log

    settings = settings_and_log("worker", as_json=as_json)
    log = logging.getLogger(__name__)
    log.info("ses-streams %s: brokers %s, group %s", __version__, settings.brokers, settings.group)
    if settings.dispatch.enabled:
        log.info("this worker sends mail, by %s", settings.dispatch.via)

    from streams.app import run
    from streams.cli.doctor.machine import NOT_BUILT
    from streams.hops.compiled import kernel

    if kernel is None:
        log.warning("%s; %s", NOT_BUILT.words, NOT_BUILT.fix)

    serve("worker", run, settings, as_json=as_json)
