"""All SQL about forecasts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.forecasts.models import forecast_buckets, forecasts

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_F, _B = forecasts.c, forecast_buckets.c
_OWN = select(forecasts).where(_F.tenant_id == bindparam("tenant_id"))
_BY_ID = Statement(_OWN.where(_F.id == bindparam("forecast_id")))
_LOCK = Statement(_OWN.where(_F.id == bindparam("forecast_id")).with_for_update())
_TAKE_QUEUED = Statement(
    _OWN.where(_F.status == "queued").order_by(_F.created_at).limit(1).with_for_update(skip_locked=True)
)
_INSERT = insert_row(forecasts)
_INSERT_BUCKET = insert_row(forecast_buckets)
_BUCKETS = Statement(
    select(forecast_buckets)
    .where(_B.tenant_id == bindparam("tenant_id"), _B.forecast_id == bindparam("forecast_id"))
    .order_by(_B.product, _B.start_at)
)
_END = Statement.text(
    """
    UPDATE forecasts SET status = $3, method = $4, fits = $5, error = $6, finished_at = $7, version = version + 1,
      updated_at = $7
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "forecast_id", "status", "method", "fits", "error", "now"),
)
# Expected demand that something may still happen to, with its virtual order and the real orders of its period: those
# due in it, or entered in it where no date is named. A virtual order that was released is no further demand.
_STANDING = Statement.text(
    """
    SELECT b.*, o.state AS order_state, o.quantity AS order_quantity, (
        SELECT coalesce(sum(w.quantity), 0) FROM work_orders w
        WHERE w.tenant_id = $1 AND w.product = b.product AND w.unit = b.unit
          AND w.state NOT IN ('forecast', 'cancelled')
          AND coalesce(w.due_at, w.created_at) >= b.start_at AND coalesce(w.due_at, w.created_at) < b.end_at
          AND NOT EXISTS (SELECT FROM forecast_buckets v WHERE v.tenant_id = $1 AND v.work_order_id = w.id)
      ) AS demand
    FROM forecast_buckets b JOIN work_orders o ON o.tenant_id = $1 AND o.id = b.work_order_id
    WHERE b.tenant_id = $1 AND b.product = ANY($2::text[]) AND b.state IN ('open', 'consumed')
    ORDER BY b.id FOR UPDATE OF b
    """,
    *("tenant_id", "products"),
)
_PRODUCT = Statement.text(
    """
    SELECT w.product FROM work_orders w WHERE w.tenant_id = $1 AND w.id = $2 AND EXISTS (
      SELECT FROM forecast_buckets b
      WHERE b.tenant_id = $1 AND b.product = w.product AND b.state IN ('open', 'consumed'))
    """,
    *("tenant_id", "order_id"),
)
_OPEN = "tenant_id = $1 AND state IN ('open', 'consumed')"
_OF_FORECAST = Statement.text(
    f"SELECT * FROM forecast_buckets WHERE {_OPEN} AND forecast_id = $2 ORDER BY id FOR UPDATE",  # noqa: S608
    *("tenant_id", "forecast_id"),
)
_PAST = Statement.text(
    f"SELECT * FROM forecast_buckets WHERE {_OPEN} AND end_at <= $2 ORDER BY id LIMIT 200 FOR UPDATE",  # noqa: S608
    *("tenant_id", "now"),
)
_OVERLAPPING = Statement.text(
    f"""
    SELECT b.* FROM forecast_buckets b WHERE {_OPEN} AND EXISTS (
      SELECT FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) AS n (product, unit, s, e)
      WHERE n.product = b.product AND n.unit = b.unit AND n.s < b.end_at AND b.start_at < n.e)
    ORDER BY b.id FOR UPDATE
    """,  # noqa: S608
    *("tenant_id", "products", "units", "starts", "ends"),
)
_MOVE = Statement.text(
    """
    UPDATE forecast_buckets SET state = $3, consumed = $4, work_order_id = $5, version = version + 1, updated_at = $6
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "bucket_id", "state", "consumed", "work_order_id", "now"),
)
# Demand by product and by how many periods before the start it was due (or entered, without a date).
_HISTORY = Statement.text(
    """
    SELECT product, unit,
      floor(extract(epoch FROM $2::timestamptz - at) / extract(epoch FROM $3::interval))::int AS ago,
      sum(quantity) AS quantity
    FROM (SELECT product, unit, quantity, coalesce(due_at, created_at) AS at FROM work_orders
          WHERE tenant_id = $1 AND state NOT IN ('forecast', 'cancelled')
            AND ($5::text[] IS NULL OR product = ANY($5))) w
    WHERE at < $2 AND at > $2::timestamptz - $3::interval * $4::int
    GROUP BY 1, 2, 3 ORDER BY 1, 2
    """,
    *("tenant_id", "start_at", "bucket", "history", "products"),
)


async def get(uow: "UnitOfWork", forecast_id: UUID, *, lock: bool = False) -> "Record | None":
    """A forecast by id."""
    return await uow.first(_LOCK if lock else _BY_ID, tenant_id=uow.tenant, forecast_id=forecast_id)


async def take_queued(uow: "UnitOfWork") -> "Record | None":
    """The oldest forecast to compute, locked."""
    return await uow.first(_TAKE_QUEUED, tenant_id=uow.tenant)


async def insert(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add a forecast."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def end(uow: "UnitOfWork", forecast_id: UUID, **values: object) -> "Record":
    """Write what came of computing a forecast."""
    facts = {"fits": {}, "error": None, **values}
    row = await uow.first(_END, tenant_id=uow.tenant, forecast_id=forecast_id, now=uow.clock.now(), **facts)
    assert row is not None
    return row


async def insert_buckets(uow: "UnitOfWork", rows: Sequence[Mapping[str, object]]) -> None:
    """Add buckets."""
    await uow.execute_many(_INSERT_BUCKET, ({"tenant_id": uow.tenant, **row} for row in rows))


async def buckets(uow: "UnitOfWork", forecast_id: UUID) -> "list[Record]":
    """The buckets of a forecast by product and start."""
    return await uow.all(_BUCKETS, tenant_id=uow.tenant, forecast_id=forecast_id)


async def standing(uow: "UnitOfWork", products: Sequence[str]) -> "list[Record]":
    """Expected demand of products beside the real one of its periods, locked."""
    return await uow.all(_STANDING, tenant_id=uow.tenant, products=list(products))


async def product_foreseen(uow: "UnitOfWork", order_id: UUID) -> str | None:
    """The product of an order if anything is expected of it."""
    found: str | None = await uow.value(_PRODUCT, tenant_id=uow.tenant, order_id=order_id)
    return found


async def standing_of(uow: "UnitOfWork", forecast_id: UUID) -> "list[Record]":
    """The buckets of a forecast that are not over, locked."""
    return await uow.all(_OF_FORECAST, tenant_id=uow.tenant, forecast_id=forecast_id)


async def past(uow: "UnitOfWork") -> "list[Record]":
    """Some buckets whose period is over, locked."""
    return await uow.all(_PAST, tenant_id=uow.tenant, now=uow.clock.now())


async def overlapping(uow: "UnitOfWork", rows: Sequence[Mapping[str, object]]) -> "list[Record]":
    """Expected demand of the same products in periods that meet those of ``rows``, locked."""
    return await uow.all(
        _OVERLAPPING,
        tenant_id=uow.tenant,
        products=[r["product"] for r in rows],
        units=[r["unit"] for r in rows],
        starts=[r["start_at"] for r in rows],
        ends=[r["end_at"] for r in rows],
    )


async def move(uow: "UnitOfWork", bucket: "Record", **values: object) -> "Record":
    """Change a bucket's state, what is consumed of it, or its virtual order."""
    facts = {n: bucket[n] for n in ("state", "consumed", "work_order_id")} | values
    row = await uow.first(_MOVE, tenant_id=uow.tenant, bucket_id=bucket["id"], now=uow.clock.now(), **facts)
    assert row is not None
    return row


async def history(
    uow: "UnitOfWork", *, start_at: datetime, bucket: timedelta, periods: int, products: Sequence[str] | None
) -> "list[Record]":
    """Demand by product, unit and periods before the start."""
    return await uow.all(
        _HISTORY, tenant_id=uow.tenant, start_at=start_at, bucket=bucket, history=periods, products=products
    )
