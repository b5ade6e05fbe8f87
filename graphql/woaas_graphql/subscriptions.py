"""Subscriptions: the log as it grows, a run as it gets on."""

import asyncio
from collections.abc import AsyncGenerator

import strawberry
from strawberry import UNSET

from woaas_core.errors import InvalidCursor
from woaas_core.events.feed import FeedFilter, read_feed
from woaas_core.ids import decode_id
from woaas_graphql.context import Session
from woaas_graphql.types import Event, ScheduleRun
from woaas_graphql.types.plans import RUN_KIND
from woaas_security.audit.masking import require_feed, visible_events
from woaas_solver_farm.schedules import service

LOOK_S = 0.2
# Word of a change comes by NOTIFY; this is for word that was lost.
_RUN_LOOK_S = 2.0
_PAGE = 100


async def follow(
    info: strawberry.Info[Session, None],
    after: str | None = UNSET,
    types: list[str] | None = UNSET,
    work_order_id: strawberry.ID | None = UNSET,
) -> AsyncGenerator[Event, None]:
    """Look into the log now and then, each time in a transaction and with rights of its own."""
    start: int | None = None
    while True:
        async with info.context.open() as context:
            principal = context.principal
            wanted = FeedFilter(types=tuple(types or ()), work_order=work_order_id or None)
            require_feed(principal, wanted)
            if start is None and after:
                (value,) = context.cursors.open(after, bound_to=f"events|{principal.id}")
                if not isinstance(value, int):
                    raise InvalidCursor
                start = value
            elif start is None:
                start = (await read_feed(context.uow, FeedFilter(), start=None, limit=1)).size
            feed = await read_feed(context.uow, wanted, start=start, limit=_PAGE)
            shown = visible_events(principal, feed.events, context.subjects)
        start = feed.next_index
        for event in shown:
            yield event  # type: ignore[misc]  # read by name
        if start >= feed.size:
            await asyncio.sleep(LOOK_S)


async def follow_run(info: strawberry.Info[Session, None], id: strawberry.ID) -> AsyncGenerator[ScheduleRun, None]:
    """The run at each change, told by the database."""
    run_id = decode_id("run", id)
    shown: dict[str, object] | None = None
    async with info.context.run_notices.of(str(run_id)) as bell:
        while True:
            async with info.context.open() as context:
                row = await service.get_run(context.uow, context.principal, run_id)
                node = RUN_KIND.node(context.principal, row)
            if node.shown != shown:
                shown = node.shown
                yield node  # type: ignore[misc]  # read by name
            if row["finished_at"] is not None:
                return
            await bell.wait(_RUN_LOOK_S)


SUBSCRIPTIONS = {
    "events": strawberry.subscription(
        follow, description="Events from a cursor of `events` on, or from now; one after the other"
    ),
    "schedule_run": strawberry.subscription(
        follow_run, description="A run of the planner at each change, until it has ended"
    ),
}
