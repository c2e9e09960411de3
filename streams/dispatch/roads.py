"""Which road to SES: as the settings say, with all that it needs; opened by whoever sends."""

from __future__ import annotations

from collections.abc import Callable

from streams.dispatch.api import ApiRoad
from streams.dispatch.client import LOOPBACK
from streams.dispatch.leave import LeavingRoad, ways_of
from streams.dispatch.road import Road
from streams.dispatch.smtp import SmtpRoad
from streams.settings.dispatch import Dispatch, Via
from streams.settings.words import Settings


def road_of(settings: Settings, clock: Callable[[], int]) -> Road:
    """Return the road that *settings* name, not yet open; *clock* says the time in ms since the epoch."""
    road = _bare(settings.dispatch, clock)
    ways = ways_of(settings.unsubscribe)
    return road if ways is None else LeavingRoad(road, ways)


def _bare(dispatch: Dispatch, clock: Callable[[], int]) -> Road:
    """Return the road itself."""
    api = ApiRoad(dispatch, clock)
    if dispatch.via is Via.API:
        return api
    return SmtpRoad(dispatch, clock, None if _is_alone(dispatch) else api)


def _is_alone(dispatch: Dispatch) -> bool:
    """Tell whether SMTP goes to a simulator on this machine that has no API: AWS's quota is not about its mails."""
    return dispatch.endpoint_url is None and dispatch.smtp.host in LOOPBACK
