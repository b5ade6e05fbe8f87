"""All SQL of periods, usage, prices and spend limits."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from woaas_billing.models import billing_periods, price_versions, settlements, spend_limits, usage_events
from woaas_core.db.statements import Statement, insert_row

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

# Spelled out and no parameter: a generic plan could not tell that the partial index on open periods fits.
_IS_OPEN = text("status = 'open'")
_OPEN = select(billing_periods).where(billing_periods.c.tenant_id == bindparam("tenant_id"), _IS_OPEN)
_PEEK_OPEN = Statement(_OPEN)
_SHARE_OPEN = Statement(_OPEN.with_for_update(read=True))
_LOCK_OPEN = Statement(_OPEN.with_for_update())
_PERIOD = Statement(
    select(billing_periods).where(
        billing_periods.c.tenant_id == bindparam("tenant_id"), billing_periods.c.id == bindparam("id")
    )
)
_LAST_NUMBER = Statement(
    select(func.max(billing_periods.c.number)).where(billing_periods.c.tenant_id == bindparam("tenant_id"))
)
_INSERT_PERIOD = Statement(
    upsert(billing_periods)
    .values({c: bindparam(c.name, type_=c.type) for c in billing_periods.columns})
    .on_conflict_do_nothing(index_elements=[billing_periods.c.tenant_id], index_where=_IS_OPEN)
    .returning(billing_periods)
)
_CLOSE = Statement(
    update(billing_periods)
    .where(billing_periods.c.tenant_id == bindparam("tenant_key"), billing_periods.c.id == bindparam("id_key"))
    .values(
        status="closed",
        ends_at=bindparam("now"),
        event_count=bindparam("count"),
        units=bindparam("quantity"),
        events_sha256=bindparam("digest"),
    )
)
# What a closed period is frozen by: how many events, how many units, and a hash over which ones.
GATHERED = """
    count(*) AS event_count,
    coalesce(sum(CASE kind WHEN 'reversal' THEN -quantity ELSE quantity END), 0) AS units,
    sha256(convert_to(coalesce(
      string_agg(identifier || ' ' || kind || ' ' || quantity, E'\\n' ORDER BY identifier COLLATE "C", kind), ''
    ), 'UTF8')) AS events_sha256
"""
_GATHER = Statement.text(
    f"SELECT {GATHERED} FROM usage_events WHERE tenant_id = $1 AND period_id = $2",  # noqa: S608 - a constant
    "tenant_id",
    "period_id",
)
_UNITS = Statement.text(
    "SELECT coalesce(sum(CASE kind WHEN 'reversal' THEN -quantity ELSE quantity END), 0) "
    "FROM usage_events WHERE tenant_id = $1 AND period_id = $2",
    "tenant_id",
    "period_id",
)
# A period that was closed early leaves the rest of its month, not a new month's allowance, to the next one.
_UNITS_BEFORE = Statement.text(
    "SELECT coalesce(sum(units), 0) FROM billing_periods WHERE tenant_id = $1 AND number < $2 AND renews_at = $3 "
    "AND price_id = $4",
    "tenant_id",
    "number",
    "renews_at",
    "price_id",
)
_INSERT_USAGE = Statement(
    upsert(usage_events)
    .values({c: bindparam(c.name, type_=c.type) for c in usage_events.columns})
    .on_conflict_do_nothing(index_elements=[usage_events.c[n] for n in ("tenant_id", "work_order_id", "meter", "kind")])
    .returning(usage_events.c.id)
)
_USAGE_HASH = Statement(
    select(usage_events.c.payload_hash).where(
        usage_events.c.tenant_id == bindparam("tenant_id"),
        usage_events.c.work_order_id == bindparam("work_order_id"),
        usage_events.c.meter == bindparam("meter"),
        usage_events.c.kind == bindparam("kind"),
    )
)
# Orders released and not yet counted: each holds a place under the hard limit until counted, cancelled or aborted.
_RESERVED = Statement.text(
    """
    SELECT count(*) FROM work_orders w
    WHERE w.tenant_id = $1 AND w.released_at IS NOT NULL AND w.state NOT IN ('cancelled', 'aborted')
      AND NOT EXISTS (
        SELECT 1 FROM usage_events u
        WHERE u.tenant_id = w.tenant_id AND u.work_order_id = w.id AND u.meter = $2 AND u.kind = 'charge')
    """,
    "tenant_id",
    "meter",
)
_PRICE_IN_FORCE = Statement(
    select(price_versions)
    .where(
        price_versions.c.plan == bindparam("plan"),
        price_versions.c.meter == bindparam("meter"),
        price_versions.c.valid_from <= bindparam("now"),
    )
    .order_by(price_versions.c.version.desc())
    .limit(1)
)
_PRICE = Statement(select(price_versions).where(price_versions.c.id == bindparam("id")))
_PRICES = Statement(select(price_versions).order_by(price_versions.c.plan, price_versions.c.version))
_LIMIT = Statement(select(spend_limits).where(spend_limits.c.tenant_id == bindparam("tenant_id")))
_SET_LIMIT = Statement.text(
    """
    INSERT INTO spend_limits AS l (tenant_id, id, currency, soft_minor, hard_minor, version, updated_at)
    VALUES ($1, $2, $3, $4, $5, 1, $6)
    ON CONFLICT (tenant_id) DO UPDATE SET currency = excluded.currency, soft_minor = excluded.soft_minor,
      hard_minor = excluded.hard_minor, neared_period_id = NULL, version = l.version + 1,
      updated_at = excluded.updated_at
    RETURNING l.*
    """,
    "tenant_id",
    "id",
    "currency",
    "soft_minor",
    "hard_minor",
    "now",
)
_NEARED = Statement(
    update(spend_limits)
    .where(
        spend_limits.c.tenant_id == bindparam("tenant_key"),
        spend_limits.c.neared_period_id.is_distinct_from(bindparam("period_id")),
    )
    .values(neared_period_id=bindparam("period_id"))
)
_INSERT_SETTLEMENT = insert_row(settlements)
_SETTLEMENT = Statement(
    select(settlements).where(
        settlements.c.tenant_id == bindparam("tenant_id"), settlements.c.contract_id == bindparam("contract_id")
    )
)


async def open_period(uow: "UnitOfWork") -> "Record | None":
    """The open period as it stands, without a lock: for showing."""
    return await uow.first(_PEEK_OPEN, tenant_id=uow.tenant)


async def share_open_period(uow: "UnitOfWork") -> "Record | None":
    """The open period, which cannot be closed before this transaction ends; waits for one that is closing.

    None after such a wait: the period this statement saw is closed and its successor is younger than its snapshot.
    """
    return await uow.first(_SHARE_OPEN, tenant_id=uow.tenant)


async def lock_open_period(uow: "UnitOfWork") -> "Record | None":
    """The open period for closing: waits for every transaction that records usage in it."""
    return await uow.first(_LOCK_OPEN, tenant_id=uow.tenant)


async def period(uow: "UnitOfWork", period_id: UUID) -> "Record | None":
    """A period by id."""
    return await uow.first(_PERIOD, tenant_id=uow.tenant, id=period_id)


async def last_period_number(uow: "UnitOfWork") -> int:
    """The number of the youngest period; 0 before the first."""
    return await uow.value(_LAST_NUMBER, tenant_id=uow.tenant) or 0


async def insert_period(uow: "UnitOfWork", values: Mapping[str, object]) -> "Record | None":
    """Add a period; None if another one is open."""
    return await uow.first(_INSERT_PERIOD, tenant_id=uow.tenant, **values)


async def gather(uow: "UnitOfWork", period_id: UUID) -> "Record":
    """``event_count``, ``units`` and ``events_sha256`` of a period."""
    row = await uow.first(_GATHER, tenant_id=uow.tenant, period_id=period_id)
    assert row is not None
    return row


async def close_period(uow: "UnitOfWork", period_id: UUID, gathered: "Record", now: datetime) -> None:
    """Freeze a period with what was gathered under its lock."""
    await uow.execute(
        _CLOSE,
        tenant_key=uow.tenant,
        id_key=period_id,
        now=now,
        count=gathered["event_count"],
        quantity=gathered["units"],
        digest=gathered["events_sha256"],
    )


async def units(uow: "UnitOfWork", period_id: UUID) -> Any:
    """How many units a period holds so far."""
    return await uow.value(_UNITS, tenant_id=uow.tenant, period_id=period_id)


async def units_before(uow: "UnitOfWork", period: "Record") -> Any:
    """How many units the closed periods hold that were opened before a period and renew with it."""
    return await uow.value(
        _UNITS_BEFORE,
        tenant_id=uow.tenant,
        number=period["number"],
        renews_at=period["renews_at"],
        price_id=period["price_id"],
    )


async def insert_usage(uow: "UnitOfWork", values: Mapping[str, object]) -> bool:
    """Add a usage event; False when the same fact is there already."""
    return await uow.value(_INSERT_USAGE, tenant_id=uow.tenant, **values) is not None


async def usage_hash(uow: "UnitOfWork", work_order_id: UUID, meter: str, kind: str) -> bytes:
    """The payload hash under which a fact was recorded."""
    found: bytes = await uow.value(
        _USAGE_HASH, tenant_id=uow.tenant, work_order_id=work_order_id, meter=meter, kind=kind
    )
    return found


async def reserved(uow: "UnitOfWork", meter: str) -> int:
    """How many orders are released and not yet counted."""
    return int(await uow.value(_RESERVED, tenant_id=uow.tenant, meter=meter))


async def price_in_force(uow: "UnitOfWork", plan: str, meter: str) -> "Record | None":
    """The newest version of a plan's price that is valid now."""
    return await uow.first(_PRICE_IN_FORCE, plan=plan, meter=meter, now=uow.clock.now())


async def price(uow: "UnitOfWork", price_id: UUID) -> "Record":
    """A price version that a period names."""
    row = await uow.first(_PRICE, id=price_id)
    assert row is not None
    return row


async def prices(uow: "UnitOfWork") -> "list[Record]":
    """Every price version of every plan."""
    return await uow.all(_PRICES)


async def spend_limit(uow: "UnitOfWork") -> "Record | None":
    """The tenant's limits, if it has ever set any."""
    return await uow.first(_LIMIT, tenant_id=uow.tenant)


async def set_spend_limit(uow: "UnitOfWork", **values: object) -> "Record":
    """Write the limits; a changed limit may be neared anew."""
    row = await uow.first(_SET_LIMIT, tenant_id=uow.tenant, now=uow.clock.now(), **values)
    assert row is not None
    return row


async def mark_neared(uow: "UnitOfWork", period_id: UUID) -> bool:
    """Note that the soft limit was reached in a period; False when that was known."""
    return await uow.execute(_NEARED, tenant_key=uow.tenant, period_id=period_id) == 1


async def settlement(uow: "UnitOfWork", contract_id: str) -> "Record | None":
    """The settlement of a contract."""
    return await uow.first(_SETTLEMENT, tenant_id=uow.tenant, contract_id=contract_id)


async def insert_settlement(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add a settlement."""
    await uow.execute(_INSERT_SETTLEMENT, tenant_id=uow.tenant, **values)
