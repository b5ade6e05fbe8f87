"""The check of `entries.csv`: every cell is derived again from the leaf and the opened values, and compared."""

import csv
from collections.abc import Iterator

from .archive import Archive
from .records import Entry
from .report import Malformed, Report
from .strict_json import canonical, parse_object

FILE = "entries.csv"
COLUMNS = [
    "index", "id", "at", "type", "actor_type", "actor_id", "subject", "work_order", "request_id", "reason",
    "version_before", "version_after", "livemode", "data", "changes", "leaf_hash",
]  # fmt: skip
_COPIED = ("id", "at", "type", "subject", "work_order", "request_id", "livemode")
# Where the reason stands among the values that a leaf commits to.
_REASON = "/reason"
# What a spreadsheet might run as a formula has an apostrophe in front.
_GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n")


class TableCheck:
    """Takes the entries in order and compares each with its row."""

    def __init__(self, archive: Archive) -> None:
        self._rows = _read(archive)
        if next(self._rows, None) != COLUMNS:
            msg = f"{FILE} does not have the columns of a bundle's table"
            raise Malformed(msg)

    def check(self, entry: Entry, report: Report) -> None:
        """Compare the next row, cell by cell.

        Raises:
            Malformed: there is no further row, or it has another number of cells.
        """
        found = next(self._rows, None)
        if found is None or len(found) != len(COLUMNS):
            msg = f"{FILE} has no whole row for entry {entry.log_index}"
            raise Malformed(msg)
        for column, cell, value in zip(COLUMNS, found, values_of(entry), strict=True):
            expected = _text(value)
            guarded = f"'{expected}" if expected.startswith(_GUARDED) else expected
            if cell != guarded:
                report.refuse(
                    FILE, f"cell {column!r} is {cell[:80]!r}, the leaf says {expected[:80]!r}", entry.log_index
                )

    def end(self) -> None:
        """See that no row is left.

        Raises:
            Malformed: one is.
        """
        if next(self._rows, None) is not None:
            msg = f"{FILE} has rows for entries that are not in the bundle"
            raise Malformed(msg)


def values_of(entry: Entry) -> list[object]:
    """An entry's cells in the order of the columns, as its leaf and its opened values give them."""
    told: dict[str, object] = {}
    if entry.leaf is not None:
        content = parse_object(entry.leaf)
        told = {name: content.get(name) for name in _COPIED}
        actor, version, changes = content.get("actor"), content.get("version"), content.get("changes")
        if isinstance(actor, dict):
            told |= {"actor_type": actor.get("type"), "actor_id": actor.get("id")}
        if isinstance(version, list) and len(version) == 2:
            told |= {"version_before": version[0], "version_after": version[1]}
        opened = {field: value for field, _, value in entry.openings}
        fields = changes if isinstance(changes, dict) else {}
        plain = content.get("reason")
        told["reason"] = opened.get(_REASON) if plain is None else plain
        told["data"] = canonical(content.get("data")).decode()
        told["changes"] = canonical({name: opened.get(name) for name in fields if name != _REASON}).decode()
    told |= {"index": entry.log_index, "leaf_hash": entry.leaf_hash.hex()}
    return [told.get(column) for column in COLUMNS]


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(archive: Archive) -> Iterator[list[str]]:
    try:
        # Lines keep their end: a cell may have newlines of its own.
        yield from csv.reader((line.decode() + "\n" for line in archive.lines(FILE)), strict=True)
    except (csv.Error, UnicodeDecodeError) as error:
        msg = f"{FILE} is not a CSV file: {error}"
        raise Malformed(msg) from error
