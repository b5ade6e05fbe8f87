"""Key figures from reports: numerator, denominator and value, so that anybody can check them. Pure.

Yield is good / (good + scrap + rework); setup and breakdown share are minutes of that kind over all reported
minutes, overlaps counted in full (ISO 22400-2 names, restricted to what reports can prove).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from woaas_core.db.statements import Row

Sums = Row
_ZERO = Decimal(0)


def _number(value: Any) -> Decimal:
    return value if value is not None else _ZERO


def _minutes(value: Any) -> Decimal:
    return _number(value) / 60


RATIOS: dict[str, tuple[Callable[[Sums], Decimal], Callable[[Sums], Decimal]]] = {
    "yield": (
        lambda s: _number(s["good"]),
        lambda s: _number(s["good"]) + _number(s["scrap"]) + _number(s["rework"]),
    ),
    "setup_share": (lambda s: _minutes(s["setup_seconds"]), lambda s: _minutes(s["seconds"])),
    "breakdown_share": (lambda s: _minutes(s["breakdown_seconds"]), lambda s: _minutes(s["seconds"])),
}
NAMES = (*RATIOS, "on_time")


def kpi(name: str, sums: Sequence[Sums], *, by_work_center: bool) -> list[dict[str, Any]]:
    """One figure per work center, or one over all; the value is null where nothing was reported."""
    above, below = RATIOS[name]
    if by_work_center:
        return [ratio(name, above(s), below(s), work_center=s["work_center"] or None) for s in sums]
    return [ratio(name, sum((above(s) for s in sums), _ZERO), sum((below(s) for s in sums), _ZERO))]


def ratio(name: str, numerator: Decimal | int, denominator: Decimal | int, **of: str | None) -> dict[str, Any]:
    """A figure as the wire shows it: six digits after the point."""
    numerator, denominator = Decimal(numerator), Decimal(denominator)
    value = (numerator / denominator).quantize(Decimal("0.000001")) if denominator else None
    return {"name": name, **of, "numerator": _text(numerator), "denominator": _text(denominator),
            "value": None if value is None else _text(value)}  # fmt: skip


def _text(value: Decimal) -> str:
    quantized = value.quantize(Decimal("0.000001"))
    text = f"{quantized:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
