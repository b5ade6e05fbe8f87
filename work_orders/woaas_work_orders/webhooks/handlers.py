"""What the log does to webhooks: each event is queued for every endpoint that wants it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from woaas_core.events.readers import LoggedEvent, Reader
from woaas_core.ids import encode_id
from woaas_work_orders.webhooks import queue, repository
from woaas_work_orders.webhooks.events import ENDPOINT_TESTED
from woaas_work_orders.webhooks.patterns import is_wanted

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


async def _queue(uow: "UnitOfWork", events: Sequence[LoggedEvent]) -> None:
    """What of it the owner may see is decided at each try, with the rights he has then."""
    endpoints = await repository.listening(uow)
    await queue.add(
        uow,
        (
            (endpoint["id"], event.id, event.type)
            for event in events
            for endpoint in endpoints
            if event.recorded_at >= endpoint["created_at"] and _is_for(event, endpoint["id"], endpoint["events"])
        ),
    )


def _is_for(event: LoggedEvent, endpoint_id: object, patterns: Sequence[str]) -> bool:
    # A test goes to the endpoint that is tested and to no other, whatever they want.
    if event.type == ENDPOINT_TESTED.name:
        return event.subject == encode_id("whk", endpoint_id)  # type: ignore[arg-type]  # a row's UUID
    return is_wanted(event.type, patterns)


WEBHOOKS = Reader("webhooks", handle_all=_queue, start="head")
READERS = (WEBHOOKS,)
