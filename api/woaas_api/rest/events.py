"""The event log as clients follow it."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_core.errors import InvalidCursor, UnknownParameter
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


@route("GET", "/events", tag=TAG)
async def list_events(call: Call) -> Answer[Listed[CloudEvent]]:
    """Follow the log: events in order, from a cursor.

    `next_cursor` is never null: keep it and ask again to go on where the feed ended. Filter by
    `type=work_order.*,operation.completed` and by `work_order_id`.
    """
    access = call.principal.require(EVENT, "read")
    own = {n: v for n, v in call.request.query_params.multi_items() if n in ("type", "work_order_id")}
    asked = call.list_query(access, own=("type", "work_order_id"))
    query = asked.query
    if query.filters or query.sort or query.q or asked.fields:
        msg = "The feed takes type, work_order_id, limit and cursor only."
        raise UnknownParameter(msg)
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


@route("GET", "/event-types", tag=TAG)
async def list_event_types(_call: Call) -> Answer[Listed[EventKind]]:
    """List every kind of event: audit action, webhook type and subscription type in one."""
    kinds = [{"type": t.name, "description": t.description} for t in event_types()]
    return Answer({"data": kinds, "next_cursor": None})


ROUTES = (list_events, list_event_types)
