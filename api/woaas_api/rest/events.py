"""The event log as clients follow it."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import FEED, Query, route
from woaas_api.queries import read_instant
from woaas_api.subjects import SUBJECTS
from woaas_core.errors import InvalidCursor
from woaas_core.events.envelope import event_types
from woaas_core.events.feed import FeedFilter, read_feed
from woaas_security.audit.masking import require_feed, visible_events
from woaas_security.tenants import service as _tenants  # noqa: F401 - its event types belong to the catalogue

TAG = "Events"


class CloudEvent(Struct, kw_only=True):
    """An event as CloudEvents 1.0 writes it."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    datacontenttype: str
    tenantid: str
    auditindex: int
    livemode: bool
    workorder: str | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET


class EventFeed(Struct, kw_only=True):
    """A page of events; `resume_cursor` is always there, `next_cursor` while there is more."""

    data: list[CloudEvent]
    next_cursor: str | None
    resume_cursor: str


class EventKind(Struct, kw_only=True):
    """A kind of event."""

    type: str
    description: str


@route(
    "GET",
    "/events",
    tag=TAG,
    paging=FEED,
    query=(
        Query("type", "Event types, separated by commas; `work_order.*` is all of a noun's"),
        Query("work_order_id", "Only events of this order"),
        Query("time[gte]", "Recorded at or after this time"),
        Query("time[lt]", "Recorded before this time"),
    ),
)
async def list_events(call: Call) -> Answer[EventFeed]:
    """Follow the log: events in order, from a cursor.

    `next_cursor` is null where the log ends for now; `resume_cursor` goes on there once there is more. Filter by
    `type=work_order.*,operation.completed`, by `work_order_id` and by `time[gte]` and `time[lt]`.
    """
    query = call.feed_query("type", "work_order_id", "time[gte]", "time[lt]")
    own = query.own
    bound_to = f"events|{call.principal.id}"
    start: int | None = None
    if query.cursor:
        (value,) = call.edge.cursors.open(query.cursor, bound_to=bound_to)
        if not isinstance(value, int):
            raise InvalidCursor
        start = value
    wanted = FeedFilter(
        types=tuple(own["type"].split(",")) if own.get("type") else (),
        work_order=own.get("work_order_id"),
        since=read_instant(own.get("time[gte]")),
        until=read_instant(own.get("time[lt]")),
    )
    require_feed(call.principal, wanted)
    feed = await read_feed(call.uow, wanted, start=start, limit=query.limit)
    cursor = call.edge.cursors.seal([feed.next_index], bound_to=bound_to)
    shown = visible_events(call.principal, feed.events, SUBJECTS)
    return Answer({"data": shown, "next_cursor": None if feed.is_end else cursor, "resume_cursor": cursor})


@route("GET", "/event-types", tag=TAG, paging=())
async def list_event_types(_call: Call) -> Answer[Listed[EventKind]]:
    """List every kind of event: audit action, webhook type and subscription type in one."""
    kinds = [{"type": t.name, "description": t.description} for t in event_types()]
    return Answer({"data": kinds, "next_cursor": None})


ROUTES = (list_events, list_event_types)
