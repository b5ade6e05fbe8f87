"""`client.exports`: many objects as one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, cast

from woaas._endpoint import endpoint, procedure
from woaas._modes import Bound, M
from woaas._request import Request, path, post, read
from woaas._runs import Run
from woaas._transport import Steps


class DataExport(Run[M]):
    """A file being written; its link is in `url` when it is finished."""

    collection = "/v1/exports"

    url: str | None
    sha256: str | None
    expires_at: datetime | None

    @procedure
    def wait(
        self,
        *,
        on_progress: Callable[[DataExport[M]], None] | None = None,
        timeout: timedelta | float | None = None,
    ) -> Steps[DataExport[M]]:
        """Until the file is there; returns this handle, brought up to date."""
        return self._until_ended(on_progress, timeout)


class Exports(Bound[M]):
    """Files of many objects."""

    @endpoint
    def create(
        self,
        resource: str,
        *,
        format: Literal["ndjson", "csv", "parquet"] = "ndjson",
        filter: Mapping[str, object] | None = None,
        fields: Sequence[str] | None = None,
    ) -> Request[DataExport[M]]:
        """Begin a file of one kind of object."""
        body = {"resource": resource, "format": format, "filter": filter, "fields": fields}
        given = {name: value for name, value in body.items() if value is not None}
        return post("/v1/exports", self._handle, given)

    @endpoint
    def get(self, id: str) -> Request[DataExport[M]]:
        """An export begun earlier."""
        return read(path("/v1/exports/{}", id), self._handle)

    def _handle(self, raw: dict[str, object]) -> DataExport[M]:
        return cast("DataExport[M]", DataExport(raw))._bind(self._executor)  # noqa: SLF001
