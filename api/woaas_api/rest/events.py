"""The event log as clients follow it."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import FEED, Query, route
from woaas_core.errors import InvalidCursor
from woaas_core.events.envelope import event_types
from woaas_core.events.feed import read_feed
from woaas_security.audit.resources import EVENT

TAG = "Events"


class CloudEvent(Struct, kw_only=True):
    """An event as CloudEvents 1.0 writes it."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    subject: str
    datacontenttype: str
    tenantid: str
    auditindex: int
    livemode: bool
    workorder: str | UnsetType = UNSET
    data: dict[str, Any] | UnsetType = UNSET


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
    ),
)
async def list_events(call: Call) -> Answer[Listed[CloudEvent]]:
    """Follow the log: events in order, from a cursor.

    `next_cursor` is never null: keep it and ask again to go on where the feed ended. Filter by
    `type=work_order.*,operation.completed` and by `work_order_id`.
    """
    call.principal.require(EVENT, "read")
    query = call.feed_query("type", "work_order_id")
    own = query.own
    bound_to = f"events|{call.principal.id}"
    start = 0
    if query.cursor:
        (value,) = call.edge.cursors.open(query.cursor, bound_to=bound_to)
        if not isinstance(value, int):
            raise InvalidCursor
        start = value
    types = own["type"].split(",") if own.get("type") else []
    feed = await read_feed(call.uow, start=start, limit=query.limit, types=types, work_order=own.get("work_order_id"))
    cursor = call.edge.cursors.seal([feed.next_index], bound_to=bound_to)
    return Answer({"data": feed.events, "next_cursor": cursor})


@route("GET", "/event-types", tag=TAG, paging=())
async def list_event_types(_call: Call) -> Answer[Listed[EventKind]]:
    """List every kind of event: audit action, webhook type and subscription type in one."""
    kinds = [{"type": t.name, "description": t.description} for t in event_types()]
    return Answer({"data": kinds, "next_cursor": None})


ROUTES = (list_events, list_event_types)
