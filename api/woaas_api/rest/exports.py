"""Exports: what a list has, as one file."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.downloads import download_route, file_headers
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.exported import EXPORTED
from woaas_api.queries import read_query
from woaas_api.rest.schemas.work_orders import View
from woaas_core.errors import UnknownParameter
from woaas_core.ids import decode_id, encode_id
from woaas_security.exports import service
from woaas_security.exports.formats import MEDIA_TYPES
from woaas_security.exports.inputs import NewObjectExport, Plain
from woaas_security.exports.resources import EXPORT, own

TAG = "Exports"
# What a list is asked beside its filters; an export has no pages and its own `fields`.
_NO_FILTERS = frozenset({"limit", "cursor", "sort", "fields", "expand", "explain"})


class ObjectExportView(View, kw_only=True):
    """A file of objects; `status` is queued, running, finished, stopped or failed."""

    resource: str | UnsetType = UNSET
    format: str | UnsetType = UNSET
    filter: dict[str, Any] | UnsetType = UNSET
    fields: list[str] | None | UnsetType = UNSET
    status: str | UnsetType = UNSET
    progress: str | UnsetType = UNSET
    rows: int | UnsetType = UNSET
    rows_expected: int | None | UnsetType = UNSET
    sha256: str | None | UnsetType = UNSET
    size_bytes: int | None | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    download_url: str | None | UnsetType = UNSET


@route("POST", "/exports", tag=TAG, status=202)
async def create_export(call: Call, body: NewObjectExport) -> Answer[ObjectExportView]:
    """Ask for what a list has as one file: NDJSON, CSV or Parquet.

    Rows, columns and masks are what its requester may read when it is written. Kept for 24 hours.
    """
    listed = EXPORTED.find(body.resource)
    access = call.principal.require(listed.resource, "read")
    asked = read_query(_pairs(body), access)
    row = await service.request(
        call.uow,
        call.principal,
        listed,
        asked.query,
        call.edge.cursors,
        format=body.format or "ndjson",
        sent=body.filter or {},
        fields=None if asked.fields is None else sorted(asked.fields),
    )
    shown = _show(call, row)
    return Answer(shown, 202, f"/v1/exports/{shown['id']}")


@route("GET", "/exports", tag=TAG)
async def list_exports(call: Call) -> Answer[Listed[ObjectExportView]]:
    """List the caller's own exports, newest first."""
    values = {"requester": service.requester_of(call.principal)}
    return await call.page(EXPORT, where=[own()], values=values)


@route("GET", "/exports/{key}", tag=TAG)
async def get_export(call: Call, key: str) -> Answer[ObjectExportView]:
    """Read how far an export is."""
    return Answer(_show(call, await service.get(call.uow, call.principal, decode_id("exp", key))))


@route("POST", "/exports/{key}/stop", tag=TAG)
async def stop_export(call: Call, key: str) -> Answer[ObjectExportView]:
    """Give an export up; one that has ended stays as it is."""
    return Answer(_show(call, await service.stop(call.uow, call.principal, decode_id("exp", key))))


@download_route("/exports/{key}/download", tag=TAG, media_types=tuple(MEDIA_TYPES.values()))
async def download_export(call: Call, key: str, start: int) -> Answer[str]:
    """Download the file; a download that broke off is resumed with `Range` and `If-Range`.

    Whoever has fewer rights by now than it was written under is refused. A file is as its objects were then: one that
    came into another class of data or to another customer since is not taken out of it.
    """
    row = await service.get(call.uow, call.principal, decode_id("exp", key))
    part = await service.download(call.uow, call.principal, EXPORTED.of(row), row, start)
    headers = file_headers(f"{row['resource']}-{encode_id('exp', row['id'])}.{row['format']}", row, part.start)
    return Answer(part.content, media_type=MEDIA_TYPES[row["format"]], headers=headers)


def _pairs(body: NewObjectExport) -> list[tuple[str, str]]:
    """A filter and fields as the query string of the list would have them."""
    found: list[tuple[str, str]] = []
    for name, value in (body.filter or {}).items():
        if name in _NO_FILTERS:
            msg = f"There is no field {name!r} here."
            raise UnknownParameter(msg)
        found.append((name, ",".join(map(_text, value)) if isinstance(value, list) else _text(value)))
    return [*found, ("fields", ",".join(body.fields))] if body.fields else found


def _text(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _show(call: Call, row: Any) -> dict[str, Any]:
    shown = call.principal.show(call.principal.access(EXPORT), row)
    is_ready = row["status"] == "finished"
    shown["progress"] = "1" if is_ready else _part(row["rows"], row["rows_expected"])
    shown["download_url"] = f"/v1/exports/{encode_id('exp', row['id'])}/download" if is_ready else None
    return shown


def _part(done: int, expected: int | None) -> str:
    return f"{min(done / expected, 1):.2f}" if expected else "0"


ROUTES = (create_export, list_exports, get_export, stop_export, download_export)
