"""Read a production log: one CSV row per report, as process-mining logs of factories have them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation

from .local_time import parse_time, span

KINDS = {"D": "run", "S": "setup", "B": "breakdown"}
REQUIRED = (
    "Case ID",
    "Activity",
    "Resource",
    "Start Timestamp",
    "Complete Timestamp",
    "Work Order Qty",
    "Part Desc.",
    "Worker ID",
    "Report Type",
    "Qty Completed",
    "Qty Rejected",
    "Qty for MRB",
)


class LogFormatError(ValueError):
    """The file as a whole is no production log."""


class RowError(ValueError):
    """One row says nothing that could be reported."""


@dataclass(frozen=True)
class Row:
    """One report of the log. Quantities: good as completed, scrap as rejected, rework as sent to review (MRB)."""

    line: int
    case: str
    activity: str
    resource: str
    part: str
    worker: str
    kind: str
    order_quantity: Decimal
    good: Decimal
    scrap: Decimal
    rework: Decimal
    started_at: datetime
    ended_at: datetime
    content: str
    occurrence: int = 1


@dataclass(frozen=True)
class BadRow:
    """A row left out, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Log:
    """The rows of a file in its order, and those left out."""

    rows: tuple[Row, ...]
    bad_rows: tuple[BadRow, ...]


def read_log(lines: Iterable[str], zone: tzinfo) -> Log:
    """The log in the lines of a CSV file; times without an offset are wall-clock times of `zone`.

    Rows with the same content are told apart by their `occurrence`, counted from 1.

    Raises:
        LogFormatError: a column is missing, or there is nothing at all.
    """
    reader = csv.reader(lines)
    header = [name.strip() for name in next(reader, [])]
    if missing := [name for name in REQUIRED if name not in header]:
        raise LogFormatError(f"not a production log: the column {', '.join(missing)} is missing")
    seen: Counter[str] = Counter()
    rows: list[Row] = []
    bad_rows: list[BadRow] = []
    while True:
        try:
            fields = next(reader, None)
            if fields is None:
                break
            if not any(field.strip() for field in fields):
                continue
            content = "|".join(fields)
            seen[content] += 1
            rows.append(_row(reader.line_num, fields, header, zone, content, seen[content]))
        except (RowError, csv.Error) as error:
            bad_rows.append(BadRow(reader.line_num, str(error)))
    return Log(tuple(rows), tuple(bad_rows))


def _row(  # one call, all of it the row
    line: int, fields: list[str], header: list[str], zone: tzinfo, content: str, occurrence: int
) -> Row:
    values = {name: field.strip() for name, field in zip(header, fields, strict=False)}
    if missing := [name for name in REQUIRED if not values.get(name)]:
        raise RowError(f"missing: {', '.join(missing)}")
    kind = KINDS.get(values["Report Type"].upper())
    if kind is None:
        raise RowError(f"unknown report type {values['Report Type']!r}; it is one of {', '.join(KINDS)}")
    when = span(_time(values, "Start Timestamp"), _time(values, "Complete Timestamp"), zone)
    if when is None:
        raise RowError(f"ends at {values['Complete Timestamp']}, before it starts at {values['Start Timestamp']}")
    order_quantity = _quantity(values, "Work Order Qty")
    if not order_quantity:
        raise RowError("Work Order Qty is zero")
    return Row(
        line=line,
        case=values["Case ID"],
        activity=values["Activity"],
        resource=values["Resource"],
        part=values["Part Desc."],
        worker=values["Worker ID"],
        kind=kind,
        order_quantity=order_quantity,
        good=_quantity(values, "Qty Completed"),
        scrap=_quantity(values, "Qty Rejected"),
        rework=_quantity(values, "Qty for MRB"),
        started_at=when[0],
        ended_at=when[1],
        content=content,
        occurrence=occurrence,
    )


def _time(values: Mapping[str, str], column: str) -> datetime:
    try:
        return parse_time(values[column])
    except ValueError:
        raise RowError(f"{column} is not a time: {values[column]!r}") from None


def _quantity(values: Mapping[str, str], column: str) -> Decimal:
    try:
        quantity = Decimal(values[column])
    except InvalidOperation:
        raise RowError(f"{column} is not a quantity: {values[column]!r}") from None
    if not quantity.is_finite() or quantity < 0:
        raise RowError(f"{column} is not a quantity: {values[column]!r}")
    return quantity
