"""The queue of deliveries: all SQL about what is to be sent, and when.

A claim puts the next attempt at the end of its lease and counts the attempt, so that what a killed process had in hand
is due again by itself, under the same id, and no delivery is tried for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement
from woaas_core.ids import uuid7
from woaas_work_orders.webhooks.models import webhook_deliveries

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

LEASE = timedelta(minutes=1)
KEPT_FOR = timedelta(days=30)

_D = webhook_deliveries.c
_OF = (_D.tenant_id == bindparam("tenant"), _D.endpoint_id == bindparam("endpoint"), _D.id == bindparam("delivery"))
_GET = Statement(select(webhook_deliveries).where(*_OF))
_GET_LOCKED = Statement(select(webhook_deliveries).where(*_OF).with_for_update())
_ADD = Statement.text(
    """
    INSERT INTO webhook_deliveries
      (tenant_id, id, endpoint_id, event_id, event_type, status, attempts, tries, next_attempt_at, created_at)
    SELECT $1, u.id, u.endpoint_id, u.event_id, u.event_type, 'waiting', 0, '[]', $6, $6
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) AS u (id, endpoint_id, event_id, event_type)
    ON CONFLICT (tenant_id, endpoint_id, event_id) DO NOTHING
    """,
    *("tenant", "ids", "endpoints", "event_ids", "event_types", "now"),
)
TENANTS = Statement.text("SELECT tenants_with_webhooks($1)", "now")
# As many of each endpoint as it has room for; one to which nothing gets through has room for one.
_CLAIM = Statement.text(
    """
    WITH due AS (
      SELECT d.id, e.id AS endpoint_id, e.url, e.secret, e.previous_secret, e.previous_secret_expires_at,
        e.owner, e.owner_scopes, e.owner_client
      FROM webhook_endpoints e
      LEFT JOIN unnest($5::uuid[], $6::int[]) AS busy (endpoint_id, n) ON busy.endpoint_id = e.id
      CROSS JOIN LATERAL (
        SELECT w.id, w.next_attempt_at FROM webhook_deliveries w
        WHERE w.tenant_id = e.tenant_id AND w.endpoint_id = e.id AND w.next_attempt_at <= $2
        ORDER BY w.next_attempt_at, w.id
        LIMIT greatest(0, CASE WHEN e.failing_since IS NULL THEN $4::int ELSE 1 END - coalesce(busy.n, 0))
        FOR UPDATE SKIP LOCKED
      ) d
      WHERE e.tenant_id = $1 AND e.state = 'enabled' ORDER BY d.next_attempt_at, d.id LIMIT $7
    )
    UPDATE webhook_deliveries w SET next_attempt_at = $3, attempts = attempts + 1
    FROM due WHERE w.tenant_id = $1 AND w.id = due.id
    RETURNING w.id, w.event_id, w.event_type, w.attempts, due.endpoint_id, due.url, due.secret, due.previous_secret,
      due.previous_secret_expires_at, due.owner, due.owner_scopes, due.owner_client
    """,
    *("tenant", "now", "lease_ends", "each", "busy", "busy_counts", "most"),
)
_EVENTS = Statement.text(
    """
    SELECT e.id, l.index, e.payload FROM event e
    JOIN log l ON l.tenant_id = e.tenant_id AND l.event_id = e.id
    WHERE e.tenant_id = $1 AND e.id = ANY($2::uuid[])
    """,
    *("tenant", "event_ids"),
)
# A try that outlived its lease says only that it got through; for the rest another one speaks.
_SETTLE = Statement.text(
    """
    UPDATE webhook_deliveries SET status = $4, tries = tries || $5::jsonb, status_code = $6, error = $7,
      next_attempt_at = $8, finished_at = $9
    WHERE tenant_id = $1 AND id = $2 AND status = 'waiting' AND (attempts = $3 OR $4 = 'delivered')
    """,
    *("tenant", "delivery", "attempts", "status", "a_try", "status_code", "error", "next_attempt_at", "finished_at"),
)
_HOLD = Statement.text(
    "UPDATE webhook_deliveries SET next_attempt_at = NULL "
    "WHERE tenant_id = $1 AND endpoint_id = $2 AND next_attempt_at IS NOT NULL",
    *("tenant", "endpoint"),
)
_GO_ON = Statement.text(
    "UPDATE webhook_deliveries SET next_attempt_at = $3 "
    "WHERE tenant_id = $1 AND endpoint_id = $2 AND status = 'waiting' AND next_attempt_at IS NULL",
    *("tenant", "endpoint", "now"),
)
_DROP = Statement.text(
    "UPDATE webhook_deliveries SET status = 'withheld', error = 'archived', next_attempt_at = NULL, finished_at = $3 "
    "WHERE tenant_id = $1 AND endpoint_id = $2 AND status = 'waiting'",
    *("tenant", "endpoint", "now"),
)
_REPLAY = Statement.text(
    """
    UPDATE webhook_deliveries SET status = 'waiting', attempts = 0, status_code = NULL, error = NULL,
      next_attempt_at = $3, finished_at = NULL
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant", "delivery", "now"),
)
_FAILING = Statement.text(
    """
    UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, $3) WHERE tenant_id = $1 AND id = $2
    RETURNING failing_since
    """,
    *("tenant", "endpoint", "now"),
)
_WELL = Statement.text(
    "UPDATE webhook_endpoints SET failing_since = NULL WHERE tenant_id = $1 AND id = $2 AND failing_since IS NOT NULL",
    *("tenant", "endpoint"),
)
_BEHIND = Statement.text(
    """
    SELECT e.id FROM webhook_endpoints e
    WHERE e.tenant_id = $1 AND e.state = 'enabled' AND EXISTS (
      SELECT FROM webhook_deliveries w
      WHERE w.tenant_id = e.tenant_id AND w.endpoint_id = e.id AND w.next_attempt_at IS NOT NULL
      ORDER BY w.next_attempt_at OFFSET $2)
    """,
    *("tenant", "most"),
)
_FORGET = Statement.text(
    """
    DELETE FROM webhook_deliveries WHERE tenant_id = $1 AND id IN (
      SELECT id FROM webhook_deliveries WHERE tenant_id = $1 AND created_at < $2 ORDER BY created_at LIMIT $3)
    """,
    *("tenant", "before", "limit"),
)


async def add(uow: "UnitOfWork", wanted: Iterable[tuple[UUID, UUID, str]]) -> None:
    """Queue events (endpoint, event, its type); one that is queued already is not queued again."""
    rows = list(wanted)
    if rows:
        endpoints, event_ids, event_types = (list(column) for column in zip(*rows, strict=True))
        await uow.execute(
            _ADD,
            tenant=uow.tenant,
            ids=[uuid7() for _ in rows],
            endpoints=endpoints,
            event_ids=event_ids,
            event_types=event_types,
            now=uow.clock.now(),
        )


async def claim(uow: "UnitOfWork", *, busy: Mapping[UUID, int], each: int, most: int) -> "list[Record]":
    """Take deliveries that are due, with their endpoints: at most ``most``, and ``each`` of an endpoint in all."""
    now = uow.clock.now()
    rows = await uow.all(
        _CLAIM,
        tenant=uow.tenant,
        now=now,
        lease_ends=now + LEASE,
        each=each,
        busy=list(busy),
        busy_counts=list(busy.values()),
        most=most,
    )
    return sorted(rows, key=lambda row: row["id"])


async def events(uow: "UnitOfWork", event_ids: Sequence[UUID]) -> "dict[UUID, Record]":
    """Events by id with their place in the log; one that was archived is not among them."""
    rows = await uow.all(_EVENTS, tenant=uow.tenant, event_ids=list(event_ids))
    return {row["id"]: row for row in rows}


async def settle(uow: "UnitOfWork", delivery_id: UUID, attempts: int, **outcome: Any) -> bool:
    """Note what became of a try; False where another one has taken over."""
    return await uow.execute(_SETTLE, tenant=uow.tenant, delivery=delivery_id, attempts=attempts, **outcome) == 1


async def note_failing(uow: "UnitOfWork", endpoint_id: UUID) -> datetime:
    """Note that nothing gets through to an endpoint; returns since when."""
    since: datetime = await uow.value(_FAILING, tenant=uow.tenant, endpoint=endpoint_id, now=uow.clock.now())
    return since


async def note_well(uow: "UnitOfWork", endpoint_id: UUID) -> None:
    """Note that something got through."""
    await uow.execute(_WELL, tenant=uow.tenant, endpoint=endpoint_id)


async def hold(uow: "UnitOfWork", endpoint_id: UUID) -> None:
    """Let nothing of an endpoint be due until it goes on."""
    await uow.execute(_HOLD, tenant=uow.tenant, endpoint=endpoint_id)


async def go_on(uow: "UnitOfWork", endpoint_id: UUID) -> None:
    """What was held is due now."""
    await uow.execute(_GO_ON, tenant=uow.tenant, endpoint=endpoint_id, now=uow.clock.now())


async def drop(uow: "UnitOfWork", endpoint_id: UUID) -> None:
    """Send nothing more of what waits for an endpoint."""
    await uow.execute(_DROP, tenant=uow.tenant, endpoint=endpoint_id, now=uow.clock.now())


async def get(uow: "UnitOfWork", endpoint_id: UUID, delivery_id: UUID, *, lock: bool = False) -> "Record | None":
    """A delivery to an endpoint."""
    statement = _GET_LOCKED if lock else _GET
    return await uow.first(statement, tenant=uow.tenant, endpoint=endpoint_id, delivery=delivery_id)


async def replay(uow: "UnitOfWork", delivery_id: UUID) -> "Record":
    """Send once more what was sent or given up; its tries so far stay in its history."""
    row = await uow.first(_REPLAY, tenant=uow.tenant, delivery=delivery_id, now=uow.clock.now())
    assert row is not None
    return row


async def behind(uow: "UnitOfWork", most: int) -> list[UUID]:
    """The endpoints for which more than so many deliveries wait."""
    return [row["id"] for row in await uow.all(_BEHIND, tenant=uow.tenant, most=most)]


async def forget_old(uow: "UnitOfWork", limit: int) -> int:
    """Delete deliveries past their time, at most so many; returns how many."""
    return await uow.execute(_FORGET, tenant=uow.tenant, before=uow.clock.now() - KEPT_FOR, limit=limit)
