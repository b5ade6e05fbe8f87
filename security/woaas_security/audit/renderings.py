"""What a bundle has beside its entries for those who look at them: a table or a report, made while it is written.

Each is a member of the zip that is derived from the leaves and the opened values; nothing in it is proof.
"""

import importlib.util
import tempfile
from collections.abc import Mapping
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

from woaas_core.errors import DomainError
from woaas_security.audit import table

if TYPE_CHECKING:
    from woaas_security.audit.bundle import ExportedEntry

Format = Literal["jsonl", "csv", "parquet", "pdf"]
_SPOOL_BYTES = 8 << 20
_GROUP_ROWS = 5_000


class FormatMissing(DomainError):
    """The library that writes a format is not installed."""

    code = "format_missing"
    title = "This installation does not write that format"
    status = 409
    hint = "Install woaas-server with the extra `archive`, or ask for jsonl or csv."


class Rendering(Protocol):
    """Is given every entry of a bundle, and then what became of it; it is one file of the zip."""

    name: str

    def add(self, entry: "ExportedEntry") -> None:
        """Take the next entry."""
        ...

    def finish(self, manifest: Mapping[str, Any]) -> IO[bytes]:
        """The file, open at any place; `manifest` is the bundle's, without the digest of this file."""
        ...


def rendering_of(format: Format, *, checkpoint: str) -> Rendering | None:
    """What writes a format; None for the entries alone.

    Raises:
        FormatMissing: its library is not there.
    """
    needed = {"parquet": "pyarrow", "pdf": "reportlab"}.get(format)
    if needed is not None and importlib.util.find_spec(needed) is None:
        raise FormatMissing
    if format == "csv":
        return CSVTable()
    if format == "parquet":
        return ParquetTable()
    if format == "pdf":
        from woaas_security.audit.report_pdf import PDFReport  # noqa: PLC0415 - only who writes one loads the library

        return PDFReport(checkpoint)
    return None


class CSVTable:
    """`entries.csv`."""

    name = "entries.csv"

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115  # lives as long as the bundle
        self._file.write(table.header())

    def add(self, entry: "ExportedEntry") -> None:
        """Add its row."""
        self._file.write(table.row(entry.index, entry.leaf, entry.leaf_hash, _opened(entry)))

    def finish(self, manifest: Mapping[str, Any]) -> IO[bytes]:
        """The table."""
        return self._file


class ParquetTable:
    """`entries.parquet`: the columns of the CSV table with their types, one row group at a time in memory."""

    name = "entries.parquet"

    def __init__(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only for who writes one
        import pyarrow.parquet as pq  # noqa: PLC0415

        kinds = {
            "index": pa.int64(),
            "at": pa.timestamp("us", "UTC"),
            "version_before": pa.int64(),
            "version_after": pa.int64(),
            "livemode": pa.bool_(),
        }
        self._batch_of = pa.record_batch
        self._schema = pa.schema([(name, kinds.get(name, pa.string())) for name in table.COLUMNS])
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the bundle
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._rows: list[Mapping[str, Any]] = []

    def add(self, entry: "ExportedEntry") -> None:
        """Add its row."""
        cells: dict[str, Any] = table.values(entry.index, entry.leaf, entry.leaf_hash, _opened(entry))
        if cells["at"] is not None:
            cells["at"] = datetime.fromisoformat(cells["at"])
        self._rows.append(cells)
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def finish(self, manifest: Mapping[str, Any]) -> IO[bytes]:
        """The table."""
        self._flush()
        self._writer.close()
        return self._file

    def _flush(self) -> None:
        if self._rows:
            columns = [[row[name] for row in self._rows] for name in table.COLUMNS]
            self._writer.write_batch(self._batch_of(columns, schema=self._schema))
            self._rows.clear()


def _opened(entry: "ExportedEntry") -> dict[str, Any]:
    return {one.field: one.value for one in entry.openings}
