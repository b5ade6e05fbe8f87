"""Readers follow the log: each event's effect and the reader's cursor commit together, so it happens once.

A reader is a name, where it starts and a handler; parts declare theirs in ``handlers.py`` and ``woaas_infra``
lists them. A handler that fails is retried with backoff; after ``MAX_ATTEMPTS`` its tenant is stalled until an
operator retries or skips, while other tenants go on.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec

from woaas_core.db.statements import Statement
from woaas_core.events.envelope import OBSERVED, event_type
from woaas_core.events.log import FLOOR

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

BATCH = 200
MAX_ATTEMPTS = 5

# What an operator does about a stalled reader, see `recovery`; declared here, where every process knows of it.
READER_RETRIED = event_type("reader.retried", "An operator let a stalled reader of the log try its event again.")
READER_SKIPPED = event_type("reader.skipped", "An operator let a stalled reader of the log pass over its event.")


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event at its place in the tenant's log, as a reader meets it."""

    index: int
    id: UUID
    type: str
    subject: str
    work_order_id: UUID | None
    recorded_at: datetime
    data: Mapping[str, object]


Handler = Callable[["UnitOfWork", LoggedEvent], Awaitable[None]]
BatchHandler = Callable[["UnitOfWork", Sequence[LoggedEvent]], Awaitable[None]]


class NotYet(Exception):
    """Raised by a handler before it has written anything: what the event waits for is not there yet.

    The reader stops in front of the event without counting a failure, and meets it again with the next notice or poll.
    """


class Reader(msgspec.Struct, frozen=True):
    """A follower of the log.

    ``types`` are the event types it acts on; others only move its cursor. ``start`` is where it begins in a
    tenant it has not read before: handlers with effects outside start at ``head`` and never see replays; the beginning
    is where the archive ends.
    One with ``handle_all`` is handed every event that feeds carry, a batch at a time, and has no types of its own.
    ``is_awaited`` is false where the effect is long work that has a status of its own: ``Woaas-After`` passes it by.
    """

    name: str
    types: frozenset[str] = frozenset()
    handle: Handler | None = None
    handle_all: BatchHandler | None = None
    start: Literal["beginning", "head"] = "beginning"
    may_skip: bool = True
    is_awaited: bool = True


class Step(msgspec.Struct, frozen=True):
    """What one advance did; ``done`` when there is nothing more to read for now."""

    read: int
    done: bool


class _Payload(msgspec.Struct):
    data: dict[str, object]


_decode = msgspec.json.Decoder(_Payload).decode

_CURSOR = Statement.text(
    f"""
    INSERT INTO reader_cursor AS c (tenant_id, reader, next_index, attempts)
    VALUES (app_tenant(), $1, CASE WHEN $2 THEN coalesce((SELECT size FROM log_head), 0) ELSE {FLOOR} END, 0)
    ON CONFLICT (tenant_id, reader) DO UPDATE SET reader = excluded.reader
    RETURNING c.next_index, c.attempts
    """,  # noqa: S608 - our own text
    "reader",
    "from_head",
)
_BEGIN = Statement.text(
    """
    INSERT INTO reader_cursor (tenant_id, reader, next_index, attempts)
    VALUES (app_tenant(), $1, coalesce((SELECT size FROM log_head), 0), 0) ON CONFLICT DO NOTHING
    """,
    "reader",
)
_ENTRIES = Statement.text(
    """
    SELECT l.index, e.id, e.type, e.subject, e.work_order_id, e.recorded_at, e.payload
    FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE l.tenant_id = $1 AND l.index >= $2 ORDER BY l.index LIMIT $3
    """,
    "tenant_id",
    "start",
    "limit",
)
_MOVE = Statement.text(
    "UPDATE reader_cursor SET next_index = $3, attempts = 0, retry_at = NULL, error = NULL "
    "WHERE tenant_id = $1 AND reader = $2",
    "tenant_id",
    "reader",
    "next_index",
)
_FAILED = Statement.text(
    "UPDATE reader_cursor SET attempts = attempts + 1, retry_at = $3, error = $4 WHERE tenant_id = $1 AND reader = $2 "
    "RETURNING attempts",
    "tenant_id",
    "reader",
    "retry_at",
    "error",
)
# In the log, and every reader past it; a stalled reader is alerted on and does not hold answers back.
_SETTLED = Statement.text(
    """
    SELECT (SELECT count(*) FROM reader_cursor c WHERE c.tenant_id = l.tenant_id AND c.reader = ANY($3::text[])
              AND (c.next_index > l.index OR c.attempts >= $4)) = cardinality($3::text[])
    FROM log l WHERE l.tenant_id = $1 AND l.event_id = $2
    """,
    "tenant_id",
    "event_id",
    "readers",
    "max_attempts",
)
_LAG = Statement.text("SELECT * FROM spine_lag()")


async def advance(uow: "UnitOfWork", reader: Reader, *, batch: int = BATCH) -> Step:
    """Read the next entries of the entered tenant, apply the handler, move the cursor; commit is the caller's.

    Locks the reader's cursor of this tenant: two processes reading for one reader take turns.
    """
    cursor = await uow.first(_CURSOR, reader=reader.name, from_head=reader.start == "head")
    assert cursor is not None
    # After a failure entries go one by one, so that the ones before the bad one are not repeated with it.
    limit = batch if cursor["attempts"] == 0 else 1
    rows = await uow.all(_ENTRIES, tenant_id=uow.tenant, start=cursor["next_index"], limit=limit)
    read = await (_handle_each(uow, reader, rows) if reader.handle_all is None else _handle_all(uow, reader, rows))
    if read:
        await uow.execute(_MOVE, tenant_id=uow.tenant, reader=reader.name, next_index=rows[read - 1]["index"] + 1)
    return Step(read, read < limit)


async def begin(uow: "UnitOfWork", reader: Reader) -> None:
    """Have a reader that starts at the head start here at the latest: it meets what this transaction records."""
    await uow.execute(_BEGIN, reader=reader.name)


async def _handle_each(uow: "UnitOfWork", reader: Reader, rows: "Sequence[Record]") -> int:
    assert reader.handle is not None
    for i, row in enumerate(rows):
        if row["type"] in reader.types:
            try:
                await reader.handle(uow, _logged(row))
            except NotYet:
                return i
    return len(rows)


async def _handle_all(uow: "UnitOfWork", reader: Reader, rows: "Sequence[Record]") -> int:
    assert reader.handle_all is not None
    if rows:
        await reader.handle_all(uow, [_logged(row) for row in rows if not row["type"].endswith(OBSERVED)])
    return len(rows)


def _logged(row: "Record") -> LoggedEvent:
    return LoggedEvent(
        index=row["index"],
        id=row["id"],
        type=row["type"],
        subject=row["subject"],
        work_order_id=row["work_order_id"],
        recorded_at=row["recorded_at"],
        data=_decode(row["payload"]).data,
    )


async def note_failure(uow: "UnitOfWork", reader: Reader, error: str) -> bool:
    """Count a failed attempt in its own transaction and set when to try again; True when now stalled."""
    await uow.first(_CURSOR, reader=reader.name, from_head=reader.start == "head")
    now = uow.clock.now()
    attempts = await uow.value(
        _FAILED, tenant_id=uow.tenant, reader=reader.name, retry_at=now + timedelta(seconds=1), error=error[:500]
    )
    return int(attempts) >= MAX_ATTEMPTS


async def settled(uow: "UnitOfWork", event_id: UUID, readers: Sequence[str]) -> bool:
    """Whether an event of the entered tenant is in the log and its effects by these readers are in."""
    found = await uow.value(
        _SETTLED, tenant_id=uow.tenant, event_id=event_id, readers=list(readers), max_attempts=MAX_ATTEMPTS
    )
    return bool(found)


async def lag(uow: "UnitOfWork") -> "Record":
    """How far sequencer and readers are behind, over all tenants: ``pending``, ``oldest_s``, ``stalled``."""
    row = await uow.first(_LAG)
    assert row is not None
    return row
