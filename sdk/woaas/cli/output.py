"""What commands print: tables for people, JSON with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from woaas._models import Model

AsJSON = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of text.")]
_UNFOLDED = 10_000
Limit = Annotated[int, Parameter(help="How many at most.")]


def print_json(value: object) -> None:
    """One JSON document; models as the service sent them."""
    plain = value.to_dict() if isinstance(value, Model) else value
    sys.stdout.write(json.dumps(plain, ensure_ascii=False, indent=2, default=_plain) + "\n")


def print_line(value: object) -> None:
    """One JSON document on one line, at once: for streams."""
    plain = value.to_dict() if isinstance(value, Model) else value
    sys.stdout.write(json.dumps(plain, ensure_ascii=False, default=_plain) + "\n")
    sys.stdout.flush()


def show(value: Model, fields: Sequence[str], *, as_json: bool) -> None:
    """One object: its named fields that are there, one a line."""
    if as_json:
        print_json(value)
        return
    pairs((name, text_of(getattr(value, name, None))) for name in fields if value.get(name) is not None)


def pairs(lines: Iterable[tuple[str, str]]) -> None:
    """Names and values in two columns."""
    listed = list(lines)
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        sys.stdout.write(f"{name:<{width}}  {value}\n")


def show_many(rows: Sequence[Model], columns: Sequence[str], *, as_json: bool) -> None:
    """Objects as a table of the named fields."""
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    if not rows:
        sys.stdout.write("none\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(text_of(getattr(row, column, None)) for column in columns))
    # What another program reads is not folded: a line is an object.
    Console(markup=False, width=None if sys.stdout.isatty() else _UNFOLDED).print(table)


def say(text: str) -> None:
    """One line of result."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """One line beside the result, on standard error."""
    sys.stderr.write(f"{text}\n")


def text_of(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, Model) and "amount" in value and "currency" in value:
        return f"{value['amount']} {value['currency']}"
    if isinstance(value, Model | Mapping):
        plain = value.to_dict() if isinstance(value, Model) else value
        return json.dumps(plain, ensure_ascii=False, default=_plain)
    if isinstance(value, list | tuple):
        return ", ".join(text_of(item) for item in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    return str(value)


def _plain(value: object) -> object:
    return value.to_dict() if isinstance(value, Model) else str(value)
