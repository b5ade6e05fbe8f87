"""What people type, as the public API takes it, and its complaints beside the field they are about."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from woaas_core.durations import format_duration
from woaas_core.errors import DomainError, FieldError, Invalid


def given(**members: object) -> dict[str, object]:
    """The members that were filled in."""
    return {name: value for name, value in members.items() if value not in ("", None)}


def instant(text: str, zone: ZoneInfo, pointer: str) -> str | None:
    """A time of ``<input type=datetime-local>``, which is wall time of the tenant's zone.

    Raises:
        Invalid: not a time.
    """
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).isoformat()
    except ValueError:
        raise refuse(pointer, "Not a date and time.") from None


def minutes(text: str, pointer: str) -> str | None:
    """Minutes, with a fraction where wanted, as an ISO 8601 duration.

    Raises:
        Invalid: not a number from 0 on.
    """
    if not text:
        return None
    try:
        span = timedelta(minutes=float(text))
    except (ValueError, OverflowError):
        raise refuse(pointer, "Not a number of minutes.") from None
    if span < timedelta(0):
        raise refuse(pointer, "Not a number of minutes.")
    return format_duration(timedelta(seconds=round(span.total_seconds())))


def span_of_days(text: str, pointer: str) -> str:
    """Days, with a fraction where wanted, as an ISO 8601 duration.

    Raises:
        Invalid: not a number above 0.
    """
    try:
        span = timedelta(days=float(text))
    except (ValueError, OverflowError):
        span = timedelta(0)
    if span <= timedelta(0):
        raise refuse(pointer, "Not a number of days.")
    return format_duration(timedelta(minutes=round(span.total_seconds() / 60)))


def money(amount: str, currency: str) -> dict[str, str]:
    """An amount as the wire writes it; whether it is one is the API's to say."""
    return {"amount": amount.strip(), "currency": currency.strip().upper()}


def codes(text: str) -> list[str]:
    """Codes separated by commas or spaces."""
    return text.replace(",", " ").replace("，", " ").replace("、", " ").split()


def refuse(pointer: str, detail: str) -> Invalid:
    """A complaint of the form itself."""
    return Invalid(detail, errors=(FieldError(pointer, "invalid", detail),))


def complaints(error: DomainError) -> Mapping[str, str]:
    """What is wrong by JSON Pointer; the empty pointer holds what has no place of its own."""
    found = {e.pointer: e.detail for e in error.errors}
    return found or {"": error.specific or error.title}
