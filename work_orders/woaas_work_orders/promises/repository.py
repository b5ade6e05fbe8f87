"""All SQL about promises."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.promises.models import promises

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_P = promises.c
_ONE = select(promises).where(_P.tenant_id == bindparam("tenant_id"), _P.id == bindparam("promise_id"))
_GET, _LOCK = Statement(_ONE), Statement(_ONE.with_for_update())
_INSERT = insert_row(promises)
_ANSWER = Statement.text(
    """
    UPDATE promises SET state = $3, promised_at = $4, confidence = $5, impacted = $6, places = $7, quote = $8,
      refusal = $9, expires_at = $10, version = version + 1, updated_at = $11
    WHERE tenant_id = $1 AND id = $2 AND state = 'pending' RETURNING *
    """,
    *("tenant_id", "promise_id", "state", "promised_at", "confidence", "impacted", "places", "quote"),
    *("refusal", "expires_at", "now"),
)
_MOVE = Statement.text(
    """
    UPDATE promises SET state = $3, work_order_id = coalesce($4, work_order_id), version = version + 1, updated_at = $5
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "promise_id", "state", "work_order_id", "now"),
)
_HELD = Statement.text(
    "SELECT id, places, work_order, work_order_id, state, expires_at FROM promises "
    "WHERE tenant_id = $1 AND (state = 'reserved' AND expires_at > $2) ORDER BY id",
    *("tenant_id", "now"),
)
# Taken over by orders that no plan has placed yet.
_TAKEN = Statement.text(
    """
    SELECT p.id, p.places, p.work_order_id FROM promises p
    WHERE p.tenant_id = $1 AND p.state = 'taken' AND p.work_order_id = ANY($2::uuid[]) ORDER BY p.id
    """,
    *("tenant_id", "orders"),
)
_MARK = Statement.text(
    "SELECT concat_ws(',', count(*), sum(version)) FROM promises WHERE tenant_id = $1 AND state = 'reserved'",
    "tenant_id",
)
_DUE = Statement.text(
    "SELECT id FROM promises WHERE tenant_id = $1 AND state = 'reserved' AND expires_at <= $2 ORDER BY id LIMIT $3",
    *("tenant_id", "now", "limit"),
)
_TAKE_TURN = Statement.text(
    "SELECT pg_advisory_xact_lock(hashtextextended('promise ' || $1::uuid::text, 0))", "tenant_id"
)


async def insert(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add a promise."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def get(uow: "UnitOfWork", promise_id: UUID, *, lock: bool = False) -> "Record | None":
    """A promise by id."""
    return await uow.first(_LOCK if lock else _GET, tenant_id=uow.tenant, promise_id=promise_id)


async def answer(uow: "UnitOfWork", promise_id: UUID, **values: object) -> "Record | None":
    """Write the answer of a pending promise; None if it is not pending."""
    return await uow.first(_ANSWER, tenant_id=uow.tenant, promise_id=promise_id, now=uow.clock.now(), **values)


async def move(uow: "UnitOfWork", promise_id: UUID, state: str, *, work_order_id: UUID | None = None) -> "Record":
    """Move a locked promise on."""
    row = await uow.first(
        _MOVE, tenant_id=uow.tenant, promise_id=promise_id, state=state, work_order_id=work_order_id,
        now=uow.clock.now(),
    )  # fmt: skip
    assert row is not None
    return row


async def held(uow: "UnitOfWork") -> "list[Record]":
    """Promises whose places are taken: reserved and not run out."""
    return await uow.all(_HELD, tenant_id=uow.tenant, now=uow.clock.now())


async def taken(uow: "UnitOfWork", orders: list[UUID]) -> "list[Record]":
    """Promises that these orders took over."""
    return await uow.all(_TAKEN, tenant_id=uow.tenant, orders=orders) if orders else []


async def mark(uow: "UnitOfWork") -> str:
    """A short text that changes with every reservation made or given up."""
    return str(await uow.value(_MARK, tenant_id=uow.tenant))


async def due(uow: "UnitOfWork", *, limit: int) -> list[UUID]:
    """Reservations that have run out."""
    return [r["id"] for r in await uow.all(_DUE, tenant_id=uow.tenant, now=uow.clock.now(), limit=limit)]


async def take_turn(uow: "UnitOfWork") -> None:
    """Wait for whoever else reserves in this tenant."""
    await uow.first(_TAKE_TURN, tenant_id=uow.tenant)
