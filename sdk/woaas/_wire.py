"""Python values to what the service reads: decimal strings, RFC 3339 times, ISO 8601 durations, filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias, TypedDict

from ._models import Model

Quantity: TypeAlias = Decimal | int | str
"""A quantity or an amount: never a float, which cannot hold 0.1."""
Instant: TypeAlias = datetime | str
"""An aware datetime, or RFC 3339 text."""
Duration: TypeAlias = timedelta | int | float | str
"""A timedelta, a number of seconds, or ISO 8601 text."""
Filter: TypeAlias = "str | int | bool | Decimal | datetime | Sequence[str] | Mapping[str, str] | None"
"""A value to compare a field with; a sequence means any of them."""


class MoneyInput(TypedDict):
    """`{"amount": "12.50", "currency": "CNY"}`."""

    amount: Quantity
    currency: str


_QUANTITIES = frozenset({"quantity", "good", "scrap", "rework", "amount", "unit_price", "min_order"})
_DURATIONS = frozenset(
    {"setup_time", "unit_time", "time_limit", "horizon", "frozen", "lead_time", "duration", "life_time"}
)
_AS_GIVEN = frozenset({"custom_fields"})


def encode(value: object, *, by_name: bool = True) -> object:
    """A JSON-ready copy of a body.

    Decimals and times are converted wherever they are. With `by_name`, whole numbers in the fields the service reads
    as decimals become strings and numbers in its duration fields become seconds; `custom_fields` stay as they are.
    """
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(name): _field(str(name), item, by_name=by_name) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(item, by_name=by_name) for item in value]
    return _scalar(value)


def query(filters: Mapping[str, object]) -> dict[str, str]:
    """Query parameters of a list: `due_at__lt=x` becomes `due_at[lt]=x`, a sequence is joined by commas.

    None is left out, and a mapping such as `custom_fields={"mould_no": "M-17"}` becomes dotted names.
    """
    parameters: dict[str, str] = {}
    for name, value in filters.items():
        if value is None:
            continue
        if isinstance(value, Mapping):
            parameters.update({f"{name}.{key}": _parameter(item) for key, item in value.items()})
            continue
        field, separator, operator = name.rpartition("__")
        parameters[f"{field}[{operator}]" if separator else name] = _parameter(value)
    return parameters


def decimal_text(value: Quantity) -> str:
    """Plain decimal notation, never an exponent.

    Raises:
        TypeError: for a float, whose digits are not the ones that were typed.
    """
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float; pass Decimal({str(value)!r}) or the text {str(value)!r}")
    if isinstance(value, str):
        return value
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{number} is not a quantity")
    return format(number, "f")


def instant_text(value: Instant) -> str:
    """RFC 3339 in UTC.

    Raises:
        ValueError: for a datetime without a zone.
    """
    if isinstance(value, str):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; pass an aware datetime, such as one in UTC")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def duration_text(value: Duration) -> str:
    """ISO 8601 with days as the largest unit: `PT1H30M`; numbers are seconds."""
    if isinstance(value, str):
        return value
    span = value if isinstance(value, timedelta) else timedelta(seconds=value)
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{span.microseconds:06d}".rstrip("0") if span.microseconds else ""
    days = f"{span.days}D" if span.days else ""
    clock = "".join(
        (
            f"{hours}H" if hours else "",
            f"{minutes}M" if minutes else "",
            f"{seconds}{fraction}S" if seconds or fraction else "",
        )
    )
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{days}T{clock}" if clock else f"{sign}P{days}"


def _field(name: str, value: object, *, by_name: bool) -> object:
    if not by_name or isinstance(value, bool):
        return encode(value, by_name=by_name)
    if name in _AS_GIVEN:
        return encode(value, by_name=False)
    if isinstance(value, int | float):
        if name in _QUANTITIES:
            return decimal_text(value)  # type: ignore[arg-type]  # a float raises with advice
        if name in _DURATIONS:
            return duration_text(value)
    return encode(value)


def _scalar(value: object) -> object:
    match value:
        case Decimal():
            return decimal_text(value)
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case timedelta():
            return duration_text(value)
        case _:
            return value


def _parameter(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str) and isinstance(value, Iterable):
        return ",".join(_parameter(item) for item in value)
    return str(encode(value))
