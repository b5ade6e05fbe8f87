"""Forecasts computed from the orders so far: the worker's part, no request waits for it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from woaas_core.durations import parse_duration
from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_work_orders.forecasts import events, methods, repository, service
from woaas_work_orders.forecasts.methods import Fit

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

Key = tuple[str, str]
"""Product and unit."""


async def compute_queued(uow: "UnitOfWork", principal: Principal) -> int:
    """Compute the oldest forecast that waits and make its virtual orders."""
    row = await repository.take_queued(uow)
    if row is None:
        return 0
    params: dict[str, Any] = row["params"]
    start_at, length = msgspec.convert(params["start_at"], datetime), parse_duration(params["bucket"])
    found = await repository.history(
        uow, start_at=start_at, bucket=length, periods=params["history"], products=params["products"]
    )
    fits = await asyncio.to_thread(_fits, found, params)
    buckets = [b for key, fit in fits.items() for b in _buckets(key, fit, found, start_at, length)]
    if not buckets or len(buckets) > service.MAX_BUCKETS:
        error = (
            f"{len(buckets)} buckets with demand; it takes 1 to {service.MAX_BUCKETS}. Name products, or fewer periods."
        )
        ended = await repository.end(uow, row["id"], status="failed", method=row["method"], error=error)
        uow.record(
            events.FORECAST_FAILED,
            subject=encode_id("fct", row["id"]),
            version=(row["version"], ended["version"]),
            data={"error": error},
        )
        return 1
    shown = {
        product: {"unit": unit, "method": fit.method, "mae": None if fit.mae is None else round(fit.mae, 6)}
        for (product, unit), fit in fits.items()
    }
    ended = await repository.end(uow, row["id"], status="finished", method=row["method"], fits=shown)
    await service.enter(uow, principal, ended, buckets, before=row)
    return 1


def _fits(found: "Sequence[Record]", params: dict[str, Any]) -> dict[Key, Fit]:
    series: dict[Key, list[float]] = {}
    for row in found:
        demand = series.setdefault((row["product"], row["unit"]), [0.0] * params["history"])
        demand[-1 - row["ago"]] += float(row["quantity"])
    return {
        key: methods.forecast(_since_first(demand), params["periods"], method=params["method"], season=params["season"])
        for key, demand in series.items()
    }


def _since_first(demand: list[float]) -> list[float]:
    """Before its first order a product was not asked for at all, which says nothing of how often it is."""
    return demand[next(at for at, value in enumerate(demand) if value) :]


def _buckets(
    key: Key, fit: Fit, found: "Sequence[Record]", start_at: datetime, length: timedelta
) -> list[dict[str, Any]]:
    """The periods with demand; whole pieces where the product was only ever ordered in whole pieces."""
    product, unit = key
    is_whole = all(r["quantity"] == int(r["quantity"]) for r in found if (r["product"], r["unit"]) == key)
    quantities: Sequence[float] = methods.whole(fit.expected) if is_whole else [round(q, 3) for q in fit.expected]
    return [
        {
            "product": product,
            "unit": unit,
            "start_at": start_at + at * length,
            "end_at": start_at + (at + 1) * length,
            "quantity": Decimal(str(quantity)),
        }
        for at, quantity in enumerate(quantities)
        if quantity > 0
    ]
