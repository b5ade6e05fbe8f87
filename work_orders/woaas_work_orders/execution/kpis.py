"""Key figures: numerator, denominator and value, so that anybody can check them. Pure.

Names and time model follow ISO 22400-2, by work unit. Busy time is the union of what was reported, so two reports of
one hour are one hour; planned time (PBT) is the working time of the unit's calendar. With A, E and Q as defined there:

* availability A = run time (APT) / planned time (PBT)
* effectiveness E = standard time of what was produced (PRI x PQ) / run time
* quality Q = yield = good / (good + scrap + rework)
* oee = A x E x Q, which is standard time of what is good / planned time
* utilisation = run and set-up time / planned time
* first-pass yield: yield without what rework operations reported
* on time: orders first completed by their due time / orders first completed

Set-up and breakdown share are minutes of that kind over all reported minutes, overlaps counted in full.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from woaas_core.db.statements import Row

Sums = Row
_ZERO = Decimal(0)
_Part = Callable[[Sums], Decimal]


def _count(*columns: str) -> _Part:
    return lambda sums: sum((_number(sums[column]) for column in columns), _ZERO)


def _minutes(column: str) -> _Part:
    return lambda sums: _number(sums[column]) / 60


def _number(value: Any) -> Decimal:
    return value if value is not None else _ZERO


RATIOS: dict[str, tuple[_Part, _Part]] = {
    "yield": (_count("good"), _count("good", "scrap", "rework")),
    "first_pass_yield": (_count("first_good"), _count("first_produced")),
    "setup_share": (_minutes("setup_seconds"), _minutes("seconds")),
    "breakdown_share": (_minutes("breakdown_seconds"), _minutes("seconds")),
    "availability": (_minutes("run_busy_seconds"), _minutes("planned_seconds")),
    "effectiveness": (_minutes("standard_seconds"), _minutes("run_busy_seconds")),
    "oee": (_minutes("standard_good_seconds"), _minutes("planned_seconds")),
    "utilisation": (_minutes("busy_seconds"), _minutes("planned_seconds")),
}
NAMES = (*RATIOS, "on_time")
_COUNTED = ("name", "numerator", "denominator", "value")


def kpi(name: str, sums: Sequence[Sums], *, by: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One figure for each row of sums, named by these columns, or one over all; null where nothing was reported."""
    above, below = RATIOS[name]
    if by:
        return [ratio(name, above(s), below(s), **{n: None if s[n] == "" else s[n] for n in by}) for s in sums]
    return [ratio(name, sum((above(s) for s in sums), _ZERO), sum((below(s) for s in sums), _ZERO))]


def beside(lines: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures of a window, each with the same one ``compared`` over another window, and its ``change`` since.

    A line that only the other window has is there too, with nothing counted in the first.
    """
    others = {_name_of(line): line for line in before}
    missing = [line for line in before if _name_of(line) not in {_name_of(one) for one in lines}]
    empty = [ratio(line["name"], 0, 0, **{n: v for n, v in line.items() if n not in _COUNTED}) for line in missing]
    found = []
    for line in (*lines, *empty):
        other = others.get(_name_of(line)) or ratio(line["name"], 0, 0)
        values = [None if one["value"] is None else Decimal(one["value"]) for one in (line, other)]
        change = None if None in values else _text(values[0] - values[1])  # type: ignore[operator]
        compared = {n: other[n] for n in ("numerator", "denominator", "value")}
        found.append({**line, "compared": compared, "change": change})
    return found


def ratio(name: str, numerator: Decimal | int, denominator: Decimal | int, **of: object) -> dict[str, Any]:
    """A figure as the wire shows it: six digits after the point."""
    numerator, denominator = Decimal(numerator), Decimal(denominator)
    value = (numerator / denominator).quantize(Decimal("0.000001")) if denominator else None
    return {"name": name, **of, "numerator": _text(numerator), "denominator": _text(denominator),
            "value": None if value is None else _text(value)}  # fmt: skip


def _name_of(line: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((n, v) for n, v in line.items() if n not in ("numerator", "denominator", "value")))


def _text(value: Decimal) -> str:
    quantized = value.quantize(Decimal("0.000001"))
    text = f"{quantized:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
