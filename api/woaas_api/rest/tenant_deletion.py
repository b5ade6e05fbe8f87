"""The end of a tenant."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_capacity_market.unfinished import unfinished
from woaas_security.tenant_deletion import service
from woaas_security.tenant_deletion.inputs import NewTenantDeletion
from woaas_security.tenant_deletion.resources import TENANT_DELETION

TAG = "Security"


class TenantDeletionView(View, kw_only=True):
    """A deletion asked for; `state` is closing until `delete_at`, or cancelled."""

    state: str | UnsetType = UNSET
    requested_by: str | None | UnsetType = UNSET
    requested_at: datetime | UnsetType = UNSET
    delete_at: datetime | UnsetType = UNSET
    cancelled_at: datetime | None | UnsetType = UNSET


@route("POST", "/tenant/deletion", tag=TAG, status=201)
async def request_tenant_deletion(call: Call, body: NewTenantDeletion) -> Answer[TenantDeletionView]:
    """Ask for the tenant to be deleted when the grace period is over.

    Only owners may, each with his password once more. Until then everything is read and nothing changed (409
    `tenant_closing`) but access taken away; owners take everything with them (`POST /v1/tenant/exports`) or take the
    deletion back, and everybody who has access is told by mail. A legal hold forbids it (409 `legal_hold`), and so does
    what others count on: 409 with the contracts, quotes, requests and listings on the market as `unfinished`.
    """
    grace = timedelta(days=call.edge.settings.deletion_grace_days)
    row = await service.request(call.uow, call.principal, call.prover, body, grace=grace, unfinished=unfinished)
    return Answer(_show(call, row), 201, "/v1/tenant/deletion")


@route("GET", "/tenant/deletion", tag=TAG)
async def get_tenant_deletion(call: Call) -> Answer[TenantDeletionView]:
    """Read when the tenant is to be deleted; 404 where it is not."""
    return Answer(_show(call, await service.get(call.uow, call.principal)))


@route("POST", "/tenant/deletion/cancel", tag=TAG)
async def cancel_tenant_deletion(call: Call) -> Answer[TenantDeletionView]:
    """Take the deletion back; the tenant goes on as before. Owners only, until it has begun."""
    return Answer(_show(call, await service.cancel(call.uow, call.principal)))


def _show(call: Call, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(TENANT_DELETION), row)


ROUTES = (request_tenant_deletion, get_tenant_deletion, cancel_tenant_deletion)
