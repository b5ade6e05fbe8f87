"""`client.exports`: what a list has, as one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from woaas import _wire
from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read
from woaas._wire import Filter
from woaas.resources.audit import AuditExport


class DataExport(AuditExport[M]):
    """A file being written. `wait()` for it, then `download(path)` it; `stop()` gives it up."""

    collection = "/v1/exports"

    resource: str | None
    format: str | None
    rows: int | None
    rows_expected: int | None


class Exports(Bound[M]):
    """Files of many objects, kept for a day; each client sees those it asked for."""

    @endpoint
    def create(
        self,
        resource: str,
        *,
        format: Literal["ndjson", "csv", "parquet"] = "ndjson",
        filter: Mapping[str, Filter] | None = None,
        fields: Sequence[str] | None = None,
    ) -> Request[DataExport[M]]:
        """Begin a file of one kind of object; `filter` is what its list takes: `{"state": "running", "due_at__lt": …}`.

        Rows, columns and masks are what this client may read when the file is written.
        """
        wanted = None if filter is None else _wire.query(filter)
        body = {"resource": resource, "format": format, "filter": wanted, "fields": fields}
        given = {name: value for name, value in body.items() if value is not None}
        return post("/v1/exports", self._handle, given)

    @endpoint
    def get(self, id: str) -> Request[DataExport[M]]:
        """An export begun earlier."""
        return read(path("/v1/exports/{}", id), self._handle)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter
    ) -> Listing[DataExport[M]]:
        """One's own exports, newest first."""
        return listing_of("/v1/exports", self._handle, {"limit": limit, "cursor": cursor, **filters})

    def _handle(self, raw: dict[str, object]) -> DataExport[M]:
        return cast("DataExport[M]", DataExport(raw))._bind(self._executor)  # noqa: SLF001
