"""`client.pilots` and `client.alerts`: what is tried, and what needs a person."""

from __future__ import annotations

from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.resources.plant import MasterData
from woaas.types.figures import Alert, Pilot, PilotFields, PilotReport
from woaas.types.work_orders import Command


class Pilots(MasterData[M, Pilot]):
    """Parts of the plant tried for a time."""

    collection = "/v1/pilots"
    kind = Pilot

    @endpoint
    def put(self, code: str, **fields: Unpack[PilotFields]) -> Request[Pilot]:
        """Create or replace a pilot."""
        return self._put(code, fields)

    @endpoint
    def report(self, code: str) -> Request[PilotReport]:
        """Its key figures beside those of its baseline, and which targets it meets."""
        return read(path("/v1/pilots/{}/report", code), PilotReport)


class Alerts(Bound[M]):
    """What needs a person."""

    @endpoint
    def get(self, id: str) -> Request[Alert]:
        """One, closed or not."""
        return read(path("/v1/alerts/{}", id), Alert)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Alert]:
        """What needs a person now; closed ones by `state="closed"`."""
        return listing_of("/v1/alerts", Alert, {"limit": limit, "cursor": cursor, **filters})

    @endpoint
    def acknowledge(self, id: str, **command: Unpack[Command]) -> Request[Alert]:
        """Note that you have seen it; it stays until its cause is gone."""
        return post(path("/v1/alerts/{}/acknowledge", id), Alert, command)
