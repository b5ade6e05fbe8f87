"""The check of `entries.parquet`, as of the CSV table: every cell is derived again from the leaf and compared.

Reading Parquet takes pyarrow, which is not needed for anything else: it comes with the extra `parquet`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .archive import Archive
from .records import Entry
from .report import Malformed, Report
from .table import COLUMNS, values_of

FILE = "entries.parquet"
_ROWS_AT_ONCE = 1_000
# What a row group of the writer's unpacks to is far below; a file that claims more is not read.
_MOST_BYTES = 256 << 20
_TYPES = {
    "index": "int64",
    "at": "timestamp[us, tz=UTC]",
    "version_before": "int64",
    "version_after": "int64",
    "livemode": "bool",
}


class ParquetCheck:
    """Takes the entries in order and compares each with its row; `end` closes the file.

    Raises:
        Malformed: pyarrow is missing, or this is no Parquet file with the columns of a bundle's table.
    """

    def __init__(self, archive: Archive) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
            import pyarrow.parquet as pq  # noqa: PLC0415
        except ImportError:
            msg = f"{FILE} cannot be checked without pyarrow: pip install 'woaas[parquet]'"
            raise Malformed(msg) from None
        self._unreadable: tuple[type[Exception], ...] = (pa.ArrowException, OSError, ValueError, OverflowError)
        self._file = archive.unpacked(FILE)
        try:
            table = pq.ParquetFile(self._file)
            _check_form(table)
        except self._unreadable as error:
            raise self._malformed(error) from error
        self._rows = self._read(table)

    def check(self, entry: Entry, report: Report) -> None:
        """Compare the next row, cell by cell.

        Raises:
            Malformed: there is no further row.
        """
        found = next(self._rows, None)
        if found is None:
            msg = f"{FILE} has no row for entry {entry.log_index}"
            raise Malformed(msg)
        for column, cell, value in zip(COLUMNS, found, values_of(entry), strict=True):
            expected = _instant(value) if column == "at" else value
            if cell != expected or type(cell) is not type(expected):
                report.refuse(
                    FILE,
                    f"cell {column!r} is {str(cell)[:80]!r}, the leaf says {str(expected)[:80]!r}",
                    entry.log_index,
                )

    def end(self) -> None:
        """See that no row is left.

        Raises:
            Malformed: one is.
        """
        with self._file:
            if next(self._rows, None) is not None:
                msg = f"{FILE} has rows for entries that are not in the bundle"
                raise Malformed(msg)

    def _read(self, table: Any) -> Iterator[tuple[object, ...]]:
        try:
            for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
        except self._unreadable as error:
            raise self._malformed(error) from error

    @staticmethod
    def _malformed(error: Exception) -> Malformed:
        return Malformed(f"{FILE} is not a Parquet file of a bundle: {str(error)[:200]}")


def _check_form(table: Any) -> None:
    found = [(field.name, str(field.type)) for field in table.schema_arrow]
    if found != [(name, _TYPES.get(name, "string")) for name in COLUMNS]:
        msg = "it has other columns"
        raise ValueError(msg)
    groups = (table.metadata.row_group(number) for number in range(table.metadata.num_row_groups))
    if any(group.total_byte_size > _MOST_BYTES for group in groups):
        msg = "a row group is too large"
        raise ValueError(msg)


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError as error:
        msg = f"{str(value)[:80]!r} in a leaf is no time"
        raise Malformed(msg) from error
