"""The formats of exports, each written row by row in bounded memory.

NDJSON has the objects exactly as the list shows them. CSV (RFC 4180, UTF-8, a header) and Parquet have a column for
each field that some object may show; a masked value is null there and named in `masked_fields`, one that is hidden in
an object's class of data is null.
"""

import csv
import importlib.util
import io
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple, Protocol

import msgspec

from woaas_core.conditional import encode
from woaas_core.spreadsheets import guarded
from woaas_security.audit.renderings import FormatMissing
from woaas_security.authz.access import Access
from woaas_security.authz.resource import Kind

MASKED = "masked_fields"
MEDIA_TYPES = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_GROUP_ROWS = 10_000
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Column(NamedTuple):
    """A column of a table; what a kind does not have a type for is text."""

    name: str
    kind: Kind


class Table(Protocol):
    """Writes the rows of one file."""

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, as lists show them."""
        ...

    def close(self) -> None:
        """Write what is left; the file itself stays open."""
        ...


def require_format(format: str) -> None:
    """Refuse a format that is not written here.

    Raises:
        FormatMissing: its library is not there.
    """
    if format == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise FormatMissing


def columns_of(access: Access, only: Sequence[str] | None) -> list[Column]:
    """The columns of a table of what somebody may read: a field that no object shows has none."""
    shown = access.shown_in_some_class()
    found = [
        Column(f.name, "json" if f.render else f.kind)
        for f in access.resource.fields
        if f.name in shown and (only is None or f.name in only)
    ]
    if only is None or "livemode" in only:
        found.append(Column("livemode", "boolean"))
    if access.masks_something():
        found.append(Column(MASKED, "texts"))
    return found


def table_of(format: str, file: IO[bytes], columns: Sequence[Column]) -> Table:
    """What writes a file of a format."""
    if format == "parquet":
        return ParquetTable(file, columns)
    return CSVTable(file, columns) if format == "csv" else NDJSON(file)


class NDJSON:
    """A line an object."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        self._file.write(b"".join(encode(row) + b"\n" for row in rows))

    def close(self) -> None:
        """There is no end to write."""


class CSVTable:
    """A header and a line an object; text that a spreadsheet would take for a formula gets an apostrophe in front."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file = file
        self._names = [column.name for column in columns]
        self._write([self._names])

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        self._write([[_cell(row.get(name)) for name in self._names] for row in rows])

    def close(self) -> None:
        """There is no end to write."""

    def _write(self, lines: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows(lines)
        self._file.write(text.getvalue().encode())


class ParquetTable:
    """Typed columns; decimals and durations stay the text that they are on the wire, objects are JSON."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only for who writes one
        import pyarrow.parquet as pq  # noqa: PLC0415

        typed = {
            "instant": pa.timestamp("us", "UTC"),
            "date": pa.date32(),
            "integer": pa.int64(),
            "boolean": pa.bool_(),
            "texts": pa.list_(pa.string()),
        }
        self._columns = columns
        self._is_text = {c.name: c.kind not in typed for c in columns}
        self._schema = pa.schema([(c.name, typed.get(c.kind, pa.string())) for c in columns])
        self._batch_of = pa.record_batch
        self._array_of = pa.array
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Mapping[str, Any]] = []

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows; they are kept until they fill a row group."""
        self._rows.extend(rows)
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            arrays = [self._array_of(self._values(c.name), self._schema.field(c.name).type) for c in self._columns]
            self._writer.write_batch(self._batch_of(arrays, schema=self._schema))
            self._rows.clear()

    def _values(self, name: str) -> list[Any]:
        values = [row.get(name) for row in self._rows]
        return [None if v is None else _text(v) for v in values] if self._is_text[name] else values


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = _text(value)
    # A plain number is none, also where it is negative.
    return text if _NUMBER.fullmatch(text) else guarded(text)


def _text(value: Any) -> str:
    """A value as JSON has it, text without its quotes."""
    if isinstance(value, str):
        return value
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else encode(plain).decode()
