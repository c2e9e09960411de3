"""An account's configuration sets and what each publishes, by SES's API: a tool asks it that looks for lacking events.

The simulator tells every kind of event to its own outlets, whichever set a mail names; so each set has one destination
with all of them, less what the simulator was told to leave out. Nothing can be changed here.
"""

from __future__ import annotations

from aiohttp import web

from streams.simulator.refusals import NOT_FOUND, No
from streams.simulator.wire import said
from streams.simulator.words import Form, SimulatorSettings

_LIST, _SETS = "/v2/email/list-configuration-sets", "/v2/email/configuration-sets"
_ANY = "simulated"  # where every name is taken, one stands for all
_TYPES = ("DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE", "OPEN", "CLICK")


class Publishing:
    """The routes."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Answer as *settings* say."""
        self._sets = settings.configuration_sets or (_ANY,)
        sends = ("SEND",) if settings.send_events else ()
        self._types = () if settings.form is Form.NOTIFICATIONS else (*sends, *_TYPES)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.post(_LIST, self._list), web.get(_SETS + "/{name}/event-destinations", self._destinations)]

    async def _list(self, _: web.Request) -> web.Response:
        return said({"ConfigurationSets": list(self._sets)})

    async def _destinations(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._sets:
            raise No(NOT_FOUND.saying(f"Configuration set <{name}> does not exist."))
        outlet = {"Name": "outlets", "Enabled": True, "MatchingEventTypes": list(self._types)}
        return said({"EventDestinations": [outlet] if self._types else []})
