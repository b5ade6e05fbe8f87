"""What a machine's value means: its word as a state, its counter as a quantity, its message as a report. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

from woaas_core.errors import Invalid
from woaas_core.wire import explain, invalid
from woaas_work_orders.connectors.inputs import MachineState
from woaas_work_orders.execution.inputs import NewReport

COUNTERS = ("good", "scrap", "rework")
_PLAIN_WORDS: Mapping[str, MachineState] = {
    **{word: word for word in ("up", "down", "maintenance", "stale")},
    **{"true": "up", "1": "up", "false": "down", "0": "down"},
}
_LONGEST_TEXT = 1000
_TIMES = ("started_at", "ended_at")
_GIVEN = ("kind", "scrap_reason", "operator")


class Reading(NamedTuple):
    """A value of one tag as it came: ``ref`` is the same whenever the same message comes again.

    ``tag`` is the tag's configuration. ``is_retained`` tells that the broker kept the value, so that it says nothing of
    the machine being alive.
    """

    tag: Mapping[str, Any]
    value: Any
    ref: str
    measured_at: datetime | None = None
    is_historical: bool = False
    is_retained: bool = False


class Silence(NamedTuple):
    """What says that nothing will be heard of a work center."""

    work_center: str


class Step(NamedTuple):
    """How far a counter has come since it was last heard of; without ``since`` it is heard of for the first time."""

    value: Decimal
    made: Decimal
    since: datetime | None


def state_of(value: Any, states: Mapping[str, MachineState]) -> MachineState:
    """The state behind a machine's word.

    Raises:
        Invalid: a word that nobody has translated.
    """
    word = _word(value)
    found = states.get(word) or _PLAIN_WORDS.get(word.lower())
    if found is None:
        msg = f"{word[:100]!r} is no state; say under 'states' what it means."
        raise Invalid(msg)
    return found


def counted(value: Any, measured_at: datetime | None, counter: Decimal | None, counted_at: datetime | None) -> Step:
    """What a counter has added. A smaller value than before, measured later, is a counter that began anew.

    What was measured no later than the last one adds nothing: it came again, or late.

    Raises:
        Invalid: not a number, or without the time it was measured.
    """
    number = _number(value)
    if measured_at is None:
        msg = "A counter needs the time of its value ('at'), or a message that comes twice would be counted twice."
        raise Invalid(msg)
    if counter is None or counted_at is None:
        return Step(number, Decimal(0), None)
    if measured_at <= counted_at:
        return Step(number, Decimal(0), counted_at)
    return Step(number, number - counter if number >= counter else number, counted_at)


def check(reading: Reading) -> None:
    """Say whether a value can be used for what its tag means.

    Raises:
        Invalid: it cannot.
    """
    means = reading.tag["means"]
    if means == "state":
        state_of(reading.value, reading.tag["states"])
    elif means == "report":
        report_of(reading)
    elif means in COUNTERS:
        counted(reading.value, reading.measured_at, None, None)


def report_of(reading: Reading) -> tuple[NewReport, str | None, str]:
    """A machine's own report, the operation it names, and the reference it is known by.

    Raises:
        Invalid: not an object, of another shape, or with neither ``id`` nor a time.
    """
    value = reading.value
    if not isinstance(value, dict):
        msg = "A report is a JSON object."
        raise Invalid(msg)
    if not any(value.get(name) for name in ("id", "at", "ended_at")) and reading.measured_at is None:
        msg = "A report needs 'id' or 'at', or a message that comes twice would count twice."
        raise Invalid(msg)
    body: dict[str, Any] = {name: value[name] for name in _GIVEN if value.get(name) is not None}
    body["kind"] = body.get("kind", "run")
    body["work_center"] = reading.tag["work_center"]
    for name in COUNTERS:
        if value.get(name) is not None:
            body[name] = plain(_number(value[name]))
    at = instant_of(value["at"]) if value.get("at") is not None else reading.measured_at
    times = {name: instant_of(value[name]) for name in _TIMES if value.get(name) is not None}
    if at is not None:
        times.setdefault("ended_at", at)
        times.setdefault("started_at", min(at, times["ended_at"]))
    body.update(times)
    ref = str(value["id"]) if value.get("id") is not None else reading.ref
    if not 0 < len(ref) <= 100 or "\0" in ref:
        raise invalid("/id", "invalid", "An id of 1 to 100 characters.")
    operation = value.get("operation")
    return _typed(body), None if operation is None else str(operation), ref


def counter_report(reading: Reading, step: Step) -> NewReport:
    """What a counter has added, as a report of the time since it was last heard of."""
    return _typed(
        {
            "kind": "run",
            reading.tag["means"]: plain(step.made),
            "work_center": reading.tag["work_center"],
            "started_at": step.since,
            "ended_at": reading.measured_at,
        }
    )


def instant_of(value: Any) -> datetime:
    """An instant as machines write it: RFC 3339, or milliseconds since 1970.

    Raises:
        Invalid: neither, or without a zone.
    """
    try:
        if isinstance(value, str) and not value.isdigit():
            found = datetime.fromisoformat(value)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        elif isinstance(value, int | Decimal | str) and not isinstance(value, bool):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    msg = f"{str(value)[:100]!r} is no time; write RFC 3339 with a zone, or milliseconds since 1970."
    raise Invalid(msg)


def kept(value: Any) -> Any:
    """A value as it is shown later: plain JSON of bounded length."""
    if isinstance(value, str):
        return value[:_LONGEST_TEXT].replace("\0", "")
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and value == value):  # noqa: PLR0124
        return value if not isinstance(value, int) or abs(value) < 1 << 63 else str(value)
    if isinstance(value, Decimal):
        return plain(value)
    text = msgspec.json.encode(value).decode(errors="replace")
    return msgspec.json.decode(text) if len(text) <= _LONGEST_TEXT and "\\u0000" not in text else text[:_LONGEST_TEXT]


def plain(number: Decimal) -> str:
    """A decimal string without exponent and idle zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return plain(number) if number.is_finite() else str(value)
    return str(value).strip()


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number < 0 or number >= Decimal(10) ** 15:
        msg = f"{str(value)[:100]!r} is no quantity."
        raise Invalid(msg)
    return round(number, 6)


def _typed(body: dict[str, Any]) -> NewReport:
    try:
        return msgspec.convert(body, NewReport)
    except msgspec.ValidationError as error:
        raise explain(error, NewReport) from None
