"""Who could take an operation over: hard filters, then a score whose terms are explained. Pure.

The terms follow the marketplaces' literature (price, quality of service, load as explicit terms). They are shown
rounded to 0.1, so that nobody's load or cost can be read from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

WEIGHTS: Mapping[str, float] = {"price": 0.35, "lateness": 0.25, "quality": 0.2, "distance": 0.1, "load": 0.1}
_UNKNOWN_QUALITY = 0.5
_ELSEWHERE = 0.3
_PRICE_WORDS = {
    "high": "among the cheapest",
    "middling": "dearer than the cheapest",
    "low": "far dearer than the cheapest",
}


class Window(NamedTuple):
    """A stretch in which a listing takes ``slots`` orders, ``free`` of them still open."""

    start_at: datetime
    end_at: datetime
    slots: int
    free: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What an operation needs; an unstated class or family matches any.

    ``work_time`` is the buyer's own estimate, which turns prices per hour into prices of the whole.
    """

    process: str | None
    equipment_class: str | None
    material_family: str | None
    quantity: Decimal
    work_time: timedelta
    start_at: datetime
    due_at: datetime
    region: str | None
    currency: str
    max_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """An open listing as matching sees it; ``quality`` is the share of inspected deliveries that passed, if any."""

    listing_id: UUID
    party_id: UUID
    process: str
    equipment_class: str | None
    materials: Sequence[str]
    windows: Sequence[Window]
    price_amount: Decimal
    currency: str
    price_per: str
    min_order: Decimal
    region: str | None
    quality: Decimal | None


class Candidate(NamedTuple):
    """A listing that could take it, with the terms of its score in [0, 1] and why."""

    listing_id: UUID
    party_id: UUID
    score: float
    terms: dict[str, float]
    explanation: list[str]


def match(demand: Demand, supplies: Iterable[Supply], now: datetime) -> list[Candidate]:
    """The listings that pass every hard filter, best first."""
    fitting = [(s, w) for s in supplies if (w := fitting_window(demand, s, now)) is not None]
    if not fitting:
        return []
    cheapest = min(estimate(demand, s) for s, _ in fitting)
    scored: list[tuple[float, Candidate]] = []
    for supply, window in fitting:
        terms = _terms(demand, supply, window, cheapest)
        exact = sum(WEIGHTS[name] * value for name, value in terms.items())
        rounded = {name: round(value, 1) for name, value in terms.items()}
        candidate = Candidate(
            supply.listing_id, supply.party_id, round(exact, 1), rounded, _explain(demand, supply, terms)
        )
        scored.append((exact, candidate))
    # Of equals the older listing comes first, whatever order they were read in.
    return [c for _, c in sorted(scored, key=lambda pair: (-pair[0], pair[1].listing_id))]


def fitting_window(demand: Demand, supply: Supply, now: datetime) -> Window | None:
    """The earliest free window in reach, or None where a hard filter fails."""
    if not (
        _same(demand.process, supply.process)
        and _same(demand.equipment_class, supply.equipment_class)
        and (demand.material_family is None or any(_same(demand.material_family, m) for m in supply.materials))
        and demand.quantity >= supply.min_order
        and demand.currency == supply.currency
    ):
        return None
    begin = max(demand.start_at, now)
    free = [w for w in supply.windows if w.free > 0 and w.start_at < demand.due_at and w.end_at > begin]
    return min(free, default=None)


def estimate(demand: Demand, supply: Supply) -> Decimal:
    """What the whole would cost at list price, in major units."""
    match supply.price_per:
        case "unit":
            return supply.price_amount * demand.quantity
        case "hour":
            return supply.price_amount * Decimal(int(demand.work_time.total_seconds())) / 3600
        case _:
            return supply.price_amount


def _same(wanted: str | None, offered: str | None) -> bool:
    return wanted is None or (offered is not None and wanted.casefold() == offered.casefold())


def _terms(demand: Demand, supply: Supply, window: Window, cheapest: Decimal) -> dict[str, float]:
    price = estimate(demand, supply)
    slots = sum(w.slots for w in supply.windows)
    return {
        "price": 0.0 if _too_dear(demand, supply) else float(cheapest / price) if price else 1.0,
        "lateness": _on_time(demand, window),
        "quality": float(supply.quality) if supply.quality is not None else _UNKNOWN_QUALITY,
        "distance": 1.0 if demand.region is None or _same(demand.region, supply.region) else _ELSEWHERE,
        "load": sum(w.free for w in supply.windows) / slots if slots else 0.0,
    }


def _too_dear(demand: Demand, supply: Supply) -> bool:
    return demand.max_price is not None and estimate(demand, supply) > demand.max_price


def _on_time(demand: Demand, window: Window) -> float:
    """The share of the work that fits between the window's start and the due time."""
    begin = max(demand.start_at, window.start_at)
    available = min(window.end_at, demand.due_at) - begin
    if not demand.work_time:
        return 1.0
    return max(0.0, min(1.0, available / demand.work_time))


def _explain(demand: Demand, supply: Supply, terms: Mapping[str, float]) -> list[str]:
    said = [f"does {supply.process}" + (f" on {supply.equipment_class}" if supply.equipment_class else "")]
    said.append(
        "above your price limit at list price" if _too_dear(demand, supply) else _PRICE_WORDS[_word(terms["price"])]
    )
    said.append("can finish by the due time" if terms["lateness"] >= 1 else "may not finish by the due time")
    said.append(
        "no deliveries inspected yet" if supply.quality is None else f"deliveries passed: {_word(terms['quality'])}"
    )
    if demand.region is not None:
        said.append("in the region asked for" if terms["distance"] == 1 else "in another region")
    return said


def _word(value: float) -> str:
    return "high" if value >= 0.8 else "middling" if value >= 0.5 else "low"
