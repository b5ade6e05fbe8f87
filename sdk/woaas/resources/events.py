"""`client.events`: what happened, in order."""

from __future__ import annotations

from woaas._endpoint import listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._wire import Filter
from woaas.types.events import Event, EventType


class Events(Bound[M]):
    """The tenant's events."""

    @listing
    def list(
        self,
        /,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Filter,
    ) -> Listing[Event]:
        """Events in order by filter: `type="work_order.*"`, `work_order_id=…`, `time__gte=…`, `time__lt=…`."""
        return listing_of("/v1/events", Event, {"limit": limit, "cursor": cursor, **filters})

    @listing
    def iterate(self, cursor: str | None = None, *, limit: int = 200) -> Listing[Event]:
        """All events from a cursor on, in large pages."""
        return listing_of("/v1/events", Event, {"limit": limit, "cursor": cursor})

    @listing
    def types(self) -> Listing[EventType]:
        """The catalogue of event types."""
        return listing_of("/v1/event-types", EventType)
