"""Everything of a tenant in one file."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.downloads import download_route, file_headers
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_core.ids import decode_id, encode_id
from woaas_security.data_exports import service
from woaas_security.data_exports.inputs import NewDataExport
from woaas_security.data_exports.resources import DATA_EXPORT

TAG = "Security"


class DataExportView(View, kw_only=True):
    """An export of a tenant's data; `status` is queued or finished."""

    status: str | UnsetType = UNSET
    requested_by: str | UnsetType = UNSET
    rows: int | None | UnsetType = UNSET
    sha256: str | None | UnsetType = UNSET
    size_bytes: int | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    download_url: str | None | UnsetType = UNSET


@route("GET", "/tenant/exports", tag=TAG)
async def list_data_exports(call: Call) -> Answer[Listed[DataExportView]]:
    """List the exports of the tenant's data, newest first."""
    return await call.page(DATA_EXPORT)


@route("POST", "/tenant/exports", tag=TAG, status=202)
async def create_data_export(call: Call, body: NewDataExport) -> Answer[DataExportView]:
    """Ask for everything of the tenant in one file: a zip with each table as NDJSON.

    Only owners may, each with his password once more; nobody's masks apply. Credentials are not in it. The file is kept
    for seven days.
    """
    shown = _show(call, await service.request(call.uow, call.principal, call.prover, body))
    return Answer(shown, 202, f"/v1/tenant/exports/{shown['id']}")


@route("GET", "/tenant/exports/{key}", tag=TAG)
async def get_data_export(call: Call, key: str) -> Answer[DataExportView]:
    """Read how far an export is."""
    return Answer(_show(call, await service.get(call.uow, call.principal, decode_id("dxp", key))))


@download_route("/tenant/exports/{key}/download", tag=TAG, media_types=("application/zip",))
async def download_data_export(call: Call, key: str, start: int) -> Answer[str]:
    """Download the file (zip); a download that broke off is resumed with `Range` and `If-Range`. Owners only."""
    part = await service.download(call.uow, call.principal, decode_id("dxp", key), start)
    headers = file_headers(f"{encode_id('dxp', part.export['id'])}.zip", part.export, part.start)
    return Answer(part.content, media_type="application/zip", headers=headers)


def _show(call: Call, row: Any) -> dict[str, Any]:
    shown = call.principal.show(call.principal.access(DATA_EXPORT), row)
    ready = row["status"] == "finished"
    shown["download_url"] = f"/v1/tenant/exports/{encode_id('dxp', row['id'])}/download" if ready else None
    return shown


ROUTES = (list_data_exports, create_data_export, get_data_export, download_data_export)
