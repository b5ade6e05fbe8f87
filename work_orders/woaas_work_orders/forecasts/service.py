"""Use cases of forecasts: enter one, have one computed, call one off."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UNSET

from woaas_core.errors import NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import duration_of, given, invalid, utc
from woaas_security.audit.changes import changes_of
from woaas_security.principal import Principal
from woaas_work_orders.forecasts import events, netting, repository, virtual_orders
from woaas_work_orders.forecasts.inputs import NewBucket, NewForecast
from woaas_work_orders.forecasts.resources import FORECAST, FORECAST_BUCKET

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

MAX_BUCKETS = 1000
_DEFAULTS: dict[str, Any] = {
    "method": "auto",
    "products": None,
    "bucket": "P7D",
    "periods": 4,
    "history": 52,
    "season": 52,
}


async def create(uow: "UnitOfWork", principal: Principal, body: NewForecast) -> "Record":
    """Enter a forecast: given buckets become virtual orders at once, others when the worker has computed them.

    Raises:
        Invalid: neither or both of buckets and a method; periods that are empty, past, or meet.
    """
    principal.require(FORECAST, "create")
    sent = given(body)
    if body.buckets is not UNSET and len(sent) > 1:
        raise invalid("/buckets", "invalid", "Send buckets, or how to compute them, not both.")
    if body.buckets is UNSET:
        return await _enqueue(uow, sent)
    row = await _insert(uow, status="finished", method="given", params={})
    await enter(uow, principal, row, [_bucket(uow, b, at) for at, b in enumerate(body.buckets)], before=None)
    return row


async def get(uow: "UnitOfWork", principal: Principal, forecast_id: UUID, *, lock: bool = False) -> "Record":
    """A forecast.

    Raises:
        NotFound: missing.
    """
    principal.require(FORECAST, "read")
    row = await repository.get(uow, forecast_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def cancel(uow: "UnitOfWork", principal: Principal, forecast_id: UUID) -> "Record":
    """Call off what is left of a forecast; one that is not computed yet never is."""
    principal.require(FORECAST, "cancel")
    row = await get(uow, principal, forecast_id, lock=True)
    if row["status"] == "queued":
        row = await repository.end(uow, forecast_id, status="failed", method=row["method"], error="called off")
        uow.record(
            events.FORECAST_FAILED,
            subject=encode_id("fct", forecast_id),
            version=(row["version"] - 1, row["version"]),
            data={"error": "called off"},
        )
    await netting.end(uow, principal, await repository.standing_of(uow, forecast_id), "cancelled")
    return row


async def enter(
    uow: "UnitOfWork",
    principal: Principal,
    forecast: "Record",
    buckets: Sequence[dict[str, Any]],
    *,
    before: "Record | None",
) -> None:
    """Make buckets and their virtual orders; they replace what was expected of the same products in these periods.

    ``before`` is the forecast before it was finished, None for one entered with its buckets.

    Raises:
        Invalid: two of them meet.
    """
    _check_apart(buckets)
    await netting.end(uow, principal, await repository.overlapping(uow, buckets), "superseded")
    orders = await virtual_orders.create(uow, buckets)
    now = uow.clock.now()
    rows = [
        {
            **bucket,
            "id": uuid7(),
            "forecast_id": forecast["id"],
            "state": "open",
            "consumed": Decimal(0),
            "work_order_id": order.head.id,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        for bucket, order in zip(buckets, orders, strict=True)
    ]
    await repository.insert_buckets(uow, rows)
    uow.record(
        events.FORECAST_MADE,
        subject=encode_id("fct", forecast["id"]),
        version=(before["version"] if before else None, forecast["version"]),
        data={"buckets": len(rows), "products": len({b["product"] for b in buckets})},
        changes=changes_of(FORECAST, before, forecast),
    )
    for row in rows:
        uow.record(
            events.BUCKET_EXPECTED,
            subject=encode_id("fcb", row["id"]),
            work_order_id=row["work_order_id"],
            version=(None, 1),
            data={"product": row["product"], "state": row["state"], "forecast_id": encode_id("fct", forecast["id"])},
            changes=changes_of(FORECAST_BUCKET, None, row),
        )
    await netting.net(uow, principal, sorted({b["product"] for b in buckets}))


async def _enqueue(uow: "UnitOfWork", sent: dict[str, Any]) -> "Record":
    params = _DEFAULTS | sent
    length: timedelta = duration_of(params["bucket"], "/bucket")
    if not timedelta(hours=1) <= length <= timedelta(days=366):
        raise invalid("/bucket", "invalid", "From PT1H to P366D.")
    start: datetime = utc(sent.get("start_at"), "/start_at") or _midnight(uow.clock.now())
    params["start_at"] = start.isoformat()
    row = await _insert(uow, status="queued", method=params["method"], params=params)
    uow.record(
        events.FORECAST_REQUESTED,
        subject=encode_id("fct", row["id"]),
        version=(None, 1),
        data={"method": params["method"], "periods": params["periods"]},
    )
    return row


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


async def _insert(uow: "UnitOfWork", *, status: str, method: str, params: dict[str, Any]) -> "Record":
    now, forecast_id = uow.clock.now(), uuid7()
    values = {
        "id": forecast_id,
        "status": status,
        "method": method,
        "params": params,
        "fits": {},
        "error": None,
        "requested_by": uow.actor.id,
        "version": 1,
        "created_at": now,
        "finished_at": now if status == "finished" else None,
        "updated_at": now,
    }
    await repository.insert(uow, values)
    row = await repository.get(uow, forecast_id)
    assert row is not None
    return row


def _bucket(uow: "UnitOfWork", body: NewBucket, at: int) -> dict[str, Any]:
    start, end = utc(body.start_at, f"/buckets/{at}/start_at"), utc(body.end_at, f"/buckets/{at}/end_at")
    assert start is not None
    assert end is not None
    if end <= start or end <= uow.clock.now():
        raise invalid(f"/buckets/{at}/end_at", "invalid", "The period must end after its start and in the future.")
    quantity = Decimal(body.quantity)
    if quantity <= 0:
        raise invalid(f"/buckets/{at}/quantity", "invalid", "The quantity must be above zero.")
    return {"product": body.product, "unit": body.unit, "start_at": start, "end_at": end, "quantity": quantity}


def _check_apart(buckets: Sequence[dict[str, Any]]) -> None:
    by_product: dict[tuple[str, str], list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for at, bucket in enumerate(buckets):
        by_product[bucket["product"], bucket["unit"]].append((bucket["start_at"], bucket["end_at"], at))
    for periods in by_product.values():
        for before, after in pairwise(sorted(periods)):
            if after[0] < before[1]:
                detail = "Its period meets that of another bucket of the product."
                raise invalid(f"/buckets/{after[2]}/start_at", "invalid", detail)
