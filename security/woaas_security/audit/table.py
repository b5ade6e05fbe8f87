"""The entries of a bundle as a table for people: one row per entry, derived from its leaf and its opened values.

A spreadsheet takes a cell that begins like a formula for one; such a cell gets an apostrophe in front.
"""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from woaas_core.events.canonical import JSONValue, canonical
from woaas_core.events.envelope import REASON
from woaas_core.spreadsheets import guarded

COLUMNS = (
    "index", "id", "at", "type", "actor_type", "actor_id", "subject", "work_order", "request_id", "reason",
    "version_before", "version_after", "livemode", "data", "changes", "leaf_hash",
)  # fmt: skip
_COPIED = ("id", "at", "type", "subject", "work_order", "request_id", "livemode")


def header() -> bytes:
    """The names of the columns."""
    return _line(COLUMNS)


def row(index: int, leaf: bytes | None, leaf_hash: bytes, opened: Mapping[str, JSONValue]) -> bytes:
    """An entry's row (RFC 4180); of a withheld one only its index and hash are told."""
    return _line(tuple(_text(value) for value in values(index, leaf, leaf_hash, opened).values()))


def values(
    index: int, leaf: bytes | None, leaf_hash: bytes, opened: Mapping[str, JSONValue]
) -> dict[str, str | int | bool | None]:
    """An entry's cells by column. `reason` is the one that was committed to, where it may be seen and is not erased."""
    cells: dict[str, Any] = dict.fromkeys(COLUMNS)
    if leaf is not None:
        content: dict[str, Any] = json.loads(leaf)
        actor, plain = content["actor"], content["reason"]
        cells |= {name: content[name] for name in _COPIED}
        cells |= {"actor_type": actor.get("type"), "actor_id": actor.get("id")}
        cells["version_before"], cells["version_after"] = content["version"]
        cells["reason"] = opened.get(REASON) if plain is None else plain
        cells["data"] = canonical(content["data"]).decode()
        cells["changes"] = canonical({name: opened.get(name) for name in content["changes"] if name != REASON}).decode()
    return cells | {"index": index, "leaf_hash": leaf_hash.hex()}


def _text(value: str | int | bool | None) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(guarded(cell) for cell in cells)
    return text.getvalue().encode()
