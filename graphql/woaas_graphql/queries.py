"""The roots that read: one object, a page of them, the feeds of the log, and the caller."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from woaas_billing import invoicing
from woaas_capacity_market import contracts, listings, quotes, requests
from woaas_capacity_market import repository as market_rows
from woaas_core.db.statements import Row
from woaas_core.errors import InvalidCursor, UnknownParameter
from woaas_core.events.feed import FeedFilter, read_feed
from woaas_core.ids import decode_id, try_decode_id, uuid7
from woaas_graphql import types
from woaas_graphql.connections import Edge, connection, connection_type, list_field
from woaas_graphql.context import Context, Info, limit_of
from woaas_graphql.limits import SEARCH_WEIGHT, WEIGHT
from woaas_graphql.scalars import JSON, DateTime
from woaas_graphql.shapes import kind_of
from woaas_graphql.types.search import show_found
from woaas_security.audit import evidence
from woaas_security.audit.masking import require_feed, visible_events
from woaas_security.audit.resources import AUDIT_ENTRY
from woaas_security.authz.listing import DEFAULT_LIMIT
from woaas_security.identity.me import describe
from woaas_solver_farm.inquiries.views import find_move
from woaas_solver_farm.learning import service as learning
from woaas_solver_farm.proposals import service as proposals
from woaas_solver_farm.schedules import comparing
from woaas_solver_farm.schedules import repository as schedule_rows
from woaas_solver_farm.schedules import service as schedules
from woaas_work_orders.alerts import service as alerts
from woaas_work_orders.forecasts import service as forecasts
from woaas_work_orders.orders import service as orders
from woaas_work_orders.promises import service as promises
from woaas_work_orders.resources import service as master_data
from woaas_work_orders.resources.kinds import MasterKind
from woaas_work_orders.search import DEFAULT_HITS
from woaas_work_orders.search import search as search_all

Find = Callable[[Context, str], Awaitable[Row]]

EventConnection = connection_type(types.Event)
AuditEntryConnection = connection_type(types.AuditEntry)


async def me(info: Info) -> types.Me | None:
    """The caller, and what he may see and do."""
    context = info.context
    return await describe(context.uow, context.principal, context.resources)  # type: ignore[return-value]  # by name


async def events(
    info: Info,
    first: int = DEFAULT_LIMIT,
    after: str | None = UNSET,
    types: list[str] | None = UNSET,
    work_order_id: strawberry.ID | None = UNSET,
) -> EventConnection | None:  # type: ignore[valid-type]
    """The log in order; `endCursor` is where to go on, also at its end."""
    context = info.context
    bound_to = f"events|{context.principal.id}"
    start = _index(context, after, bound_to) or 0
    wanted = FeedFilter(types=tuple(types or ()), work_order=work_order_id or None)
    require_feed(context.principal, wanted)
    feed = await read_feed(context.uow, wanted, start=start, limit=limit_of(first))

    def cursor(index: int) -> str:
        return context.cursors.seal([index], bound_to=bound_to)

    shown = visible_events(context.principal, feed.events, context.subjects)
    edges = [Edge(e, lambda e=e: cursor(e["auditindex"] + 1)) for e in shown]  # type: ignore[misc]
    return connection(edges, end=cursor(feed.next_index), has_next=feed.next_index < feed.size)


async def audit_entries(
    info: Info,
    first: int = DEFAULT_LIMIT,
    after: str | None = UNSET,
    work_order_id: strawberry.ID | None = UNSET,
    actor: str | None = UNSET,
    type: str | None = UNSET,
    subject: str | None = UNSET,
    since: DateTime | None = UNSET,
    until: DateTime | None = UNSET,
) -> AuditEntryConnection | None:  # type: ignore[valid-type]
    """Audit entries, newest first."""
    context = info.context
    context.principal.require(AUDIT_ENTRY, "read")
    own = {"work_order_id": work_order_id, "actor": actor, "type": type, "subject": subject, "from": since, "to": until}
    bound_to = f"audit|{context.principal.id}|{sorted((n, str(v)) for n, v in own.items() if v)}"
    wanted = evidence.EntryFilter(
        work_order_id=(try_decode_id("wo", work_order_id) or uuid7()) if work_order_id else None,
        actor=actor or None,
        type=type or None,
        subject=subject or None,
        since=_instant(since),
        until=_instant(until),
    )
    limit = limit_of(first)
    before = _index(context, after, bound_to)
    found = await evidence.entries(
        context.uow, context.principal, wanted, context.subjects, before=before, limit=limit + 1
    )
    has_next = len(found) > limit
    edges = [
        Edge(e, lambda e=e: context.cursors.seal([e["index"]], bound_to=bound_to))  # type: ignore[misc]
        for e in found[:limit]
    ]
    return connection(edges, end=None, has_next=has_next)


def _index(context: Context, after: str | None, bound_to: str) -> int | None:
    if not after:
        return None
    (value,) = context.cursors.open(after, bound_to=bound_to)
    if not isinstance(value, int):
        raise InvalidCursor
    return value


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        msg = f"{text!r} is not an RFC 3339 time with its zone."
        raise UnknownParameter(msg) from None


def _by_id(shape: Any, find: Find, description: str) -> StrawberryField:
    kind = kind_of(shape)

    async def resolve(info: Info, id: strawberry.ID) -> shape | None:  # pyright: ignore[reportInvalidTypeForm]
        return kind.node(info.context.principal, await find(info.context, id))

    return strawberry.field(resolve, description=description)


def _master(kind: MasterKind) -> dict[str, StrawberryField]:
    shape = types.MASTER[kind.name]
    words = kind.name.replace("_", " ")
    listed = list_field(shape, description=f"{words.capitalize()} records")
    found = _by_id(shape, lambda c, text: master_data.find(c.uow, c.principal, kind, text), f"A {words} by code or id")
    return {kind.name: found, kind.path.replace("-", "_"): listed}


async def schedule_comparison(
    info: Info,
    id: strawberry.ID,
    with_: Annotated[str, strawberry.argument(name="with", description="Another plan's id, `fifo` or `edd`")],
) -> JSON | None:
    """A plan beside another one or a plain rule's, as REST's `compare` answers."""
    context = info.context
    return await comparing.compare(context.uow, context.principal, decode_id("sch", id), with_)  # type: ignore[return-value]  # JSON


async def search(
    info: Info, q: str, kinds: list[str] | None = None, first: int = DEFAULT_HITS
) -> types.SearchResult | None:
    """The same search as REST's."""
    context = info.context
    found = await search_all(context.uow, context.principal, q, kinds=kinds or (), limit=first)
    return show_found(found)  # type: ignore[return-value]  # by name


QUERIES: dict[str, StrawberryField] = {
    "me": strawberry.field(me),
    "search": strawberry.field(
        search,
        metadata={WEIGHT: SEARCH_WEIGHT},
        description="Work orders, operations and master data with a text in what you may read; at most 50 hits",
    ),
    "work_order": _by_id(
        types.WorkOrder, lambda c, text: orders.get(c.uow, c.principal, text), "A work order by id or number"
    ),
    "work_orders": list_field(types.WorkOrder, description="Work orders, newest first"),
    "operation": _by_id(
        types.Operation,
        lambda c, text: orders.get_operation(c.uow, c.principal, decode_id("op", text)),
        "An operation by id",
    ),
    "operations": list_field(types.Operation, description="Operations, newest first"),
    "reports": list_field(types.Report, description="Reports, newest first"),
    "inspections": list_field(types.Inspection, description="Inspection results, newest first"),
    "signatures": list_field(types.Signature, description="Signatures, newest first"),
    "attachments": list_field(types.Attachment, description="Files under orders and operations, newest first"),
    **{name: field for kind in types.PUT_BY_CODE for name, field in _master(kind).items()},
    "schedule_run": _by_id(
        types.ScheduleRun,
        lambda c, text: schedules.get_run(c.uow, c.principal, decode_id("run", text)),
        "A run of the planner by id",
    ),
    "schedule_runs": list_field(
        types.ScheduleRun,
        where=[schedule_rows.plans_only()],
        values=lambda _: {"plan_kind": "plan"},
        description="Runs, newest first",
    ),
    "schedule": _by_id(
        types.Schedule,
        lambda c, text: schedules.get_schedule(c.uow, c.principal, decode_id("sch", text)),
        "A plan by id",
    ),
    "schedules": list_field(types.Schedule, description="Plans, newest first"),
    "schedule_comparison": strawberry.field(schedule_comparison),
    "promise": _by_id(
        types.Promise, lambda c, text: promises.get(c.uow, c.principal, decode_id("prm", text)), "A promise by id"
    ),
    "promises": list_field(types.Promise, description="Promises, newest first"),
    "move": _by_id(
        types.Move,
        lambda c, text: find_move(c.uow, c.principal, decode_id("run", text)),
        "What came of a move; kept for 24 hours",
    ),
    "proposal": _by_id(
        types.Proposal, lambda c, text: proposals.get(c.uow, c.principal, decode_id("prp", text)), "A proposal by id"
    ),
    "proposals": list_field(types.Proposal, description="Proposals, newest first; `state: open` are to decide on"),
    "forecast": _by_id(
        types.Forecast, lambda c, text: forecasts.get(c.uow, c.principal, decode_id("fct", text)), "A forecast by id"
    ),
    "forecasts": list_field(types.Forecast, description="Forecasts, newest first"),
    "duration_model": _by_id(
        types.DurationModel,
        lambda c, text: learning.get(c.uow, c.principal, decode_id("dmo", text)),
        "A version of the duration model by id",
    ),
    "duration_models": list_field(types.DurationModel, description="Versions of the duration model, newest first"),
    "alert": _by_id(
        types.Alert, lambda c, text: alerts.get(c.uow, c.principal, decode_id("alr", text)), "An alert by id"
    ),
    "alerts": list_field(types.Alert, description="Alerts, newest first; filter by `state`"),
    "slots": list_field(types.Slot, description="Places in plans; filter by `scheduleId`"),
    "listing": _by_id(
        types.Listing, lambda c, text: listings.get(c.uow, c.principal, decode_id("lst", text)), "A listing by id"
    ),
    "listings": list_field(types.Listing, description="Your listings, newest first"),
    "market_request": _by_id(
        types.MarketRequest,
        lambda c, text: requests.get(c.uow, c.principal, decode_id("mrq", text)),
        "A request of your own by id",
    ),
    "market_requests": list_field(types.MarketRequest, description="Your requests, newest first"),
    "board": list_field(
        types.Teaser,
        where=[market_rows.still_open()],
        values=lambda context: {"now": context.uow.clock.now()},
        description="Teasers of other tenants' requests, newest first",
    ),
    "quote": _by_id(
        types.Quote,
        lambda c, text: quotes.get(c.uow, c.principal, decode_id("quo", text)),
        "A quote given or received",
    ),
    "quotes": list_field(types.Quote, description="Quotes given and received, newest first"),
    "contract": _by_id(
        types.Contract, lambda c, text: contracts.get(c.uow, c.principal, decode_id("ctr", text)), "A contract by id"
    ),
    "contracts": list_field(types.Contract, description="Your contracts on either side, newest first"),
    "invoice": _by_id(
        types.Invoice, lambda c, text: invoicing.get(c.uow, c.principal, text), "An invoice by id or number"
    ),
    "invoices": list_field(types.Invoice, description="Issued invoices, newest first"),
    "settlements": list_field(types.Settlement, description="What settled contracts moved, newest first"),
    "usage_events": list_field(types.UsageEvent, description="Processed orders that were counted, newest first"),
    "roles": list_field(types.Role, description="Roles of your own, newest first"),
    "field_policies": list_field(types.FieldPolicy, description="Field policies, newest first"),
    "grants": list_field(types.Grant, description="Grants, newest first"),
    "events": strawberry.field(events),
    "audit_entries": strawberry.field(audit_entries),
}
