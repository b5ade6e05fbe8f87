"""An operator's way out when a reader of the log has given up in a tenant: let it try again, or pass over the event.

Both are entries of the tenant's own log, written in the transaction that moves the cursor.
"""

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from woaas_core.db.statements import Statement
from woaas_core.events.envelope import EventType
from woaas_core.events.readers import MAX_ATTEMPTS, READER_RETRIED, READER_SKIPPED, Reader
from woaas_core.ids import encode_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_LAG = Statement.text("SELECT * FROM reader_lag($1)", "readers")
_STALL = Statement.text(
    """
    SELECT c.reader, l.index, e.id AS event_id, e.type AS event_type, e.work_order_id, c.attempts, c.error
    FROM reader_cursor c
    JOIN log l ON l.tenant_id = c.tenant_id AND l.index = c.next_index
    JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE c.tenant_id = $1 AND c.reader = $2 AND c.attempts >= $3 FOR UPDATE OF c
    """,
    "tenant_id",
    "reader",
    "max_attempts",
)
_GO_ON = Statement.text(
    "UPDATE reader_cursor SET next_index = $3, attempts = 0, retry_at = NULL, error = NULL "
    "WHERE tenant_id = $1 AND reader = $2",
    "tenant_id",
    "reader",
    "next_index",
)


class Stall(msgspec.Struct, frozen=True):
    """Where a reader has given up in a tenant: the event it cannot handle and what its last attempt said."""

    reader: str
    index: int
    event_id: UUID
    event_type: str
    work_order_id: UUID | None
    attempts: int
    error: str


class MustNotSkip(Exception):
    """What this reader passes over would be lost for good, so it may only try again."""


async def lag(uow: "UnitOfWork", readers: "Sequence[str]") -> "list[Record]":
    """Where readers are behind or failing, over all tenants: ``reader, tenant_id, next_index, behind, attempts``."""
    return await uow.all(_LAG, readers=list(readers))


async def stalled(uow: "UnitOfWork", reader: str) -> Stall | None:
    """Where a reader has given up in the entered tenant, its cursor locked; None where it has not."""
    row = await uow.first(_STALL, tenant_id=uow.tenant, reader=reader, max_attempts=MAX_ATTEMPTS)
    return None if row is None else Stall(**row)


async def retry(uow: "UnitOfWork", reader: Reader) -> Stall | None:
    """Let a reader that has given up in the entered tenant try again; returns where it stood, None if it had not."""
    stall = await stalled(uow, reader.name)
    if stall is not None:
        await _go_on(uow, stall, READER_RETRIED, stall.index)
    return stall


async def skip(uow: "UnitOfWork", reader: Reader, reason: str) -> Stall | None:
    """Let a reader that has given up in the entered tenant pass over its event; returns which, None if it had not.

    The event's effect by this reader never happens.

    Raises:
        MustNotSkip: the reader may not.
    """
    if not reader.may_skip:
        raise MustNotSkip(reader.name)
    stall = await stalled(uow, reader.name)
    if stall is not None:
        uow.reason = reason
        await _go_on(uow, stall, READER_SKIPPED, stall.index + 1)
    return stall


async def _go_on(uow: "UnitOfWork", stall: Stall, fact: EventType, next_index: int) -> None:
    await uow.execute(_GO_ON, tenant_id=uow.tenant, reader=stall.reader, next_index=next_index)
    # The subject is the event in question, so its own history shows it; the error stays out, it may quote anything.
    uow.record(
        fact,
        subject=encode_id("evt", stall.event_id),
        work_order_id=stall.work_order_id,
        data={"reader": stall.reader, "index": stall.index, "type": stall.event_type},
    )
