"""The entries of a bundle as a table for people: one row per entry, derived from its leaf and its opened values.

A spreadsheet takes a cell that begins like a formula for one; such a cell gets an apostrophe in front.
"""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from woaas_core.events.canonical import JSONValue, canonical

COLUMNS = (
    "index", "id", "at", "type", "actor_type", "actor_id", "subject", "work_order", "request_id", "reason",
    "version_before", "version_after", "livemode", "data", "changes", "leaf_hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def header() -> bytes:
    """The names of the columns."""
    return _line(COLUMNS)


def row(index: int, leaf: bytes | None, leaf_hash: bytes, opened: Mapping[str, JSONValue]) -> bytes:
    """An entry's row (RFC 4180); of a withheld one only its index and hash are told."""
    cells = dict.fromkeys(COLUMNS, "")
    if leaf is not None:
        content: dict[str, Any] = json.loads(leaf)
        before, after = content["version"]
        actor = content["actor"]
        told = {
            "actor_type": actor.get("type"),
            "actor_id": actor.get("id"),
            "version_before": before,
            "version_after": after,
            "livemode": "true" if content["livemode"] else "false",
            "data": canonical(content["data"]).decode(),
            "changes": canonical({name: opened.get(name) for name in content["changes"]}).decode(),
        }
        told |= {name: content[name] for name in ("id", "at", "type", "subject", "work_order", "request_id", "reason")}
        cells |= {name: "" if value is None else str(value) for name, value in told.items()}
    cells |= {"index": str(index), "leaf_hash": leaf_hash.hex()}
    return _line(tuple(cells.values()))


def _line(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return text.getvalue().encode()
