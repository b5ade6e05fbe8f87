"""Erasure of a person's values, and legal holds."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_core.ids import decode_id
from woaas_security.authz.resource import Resource
from woaas_work_orders.erasure import service
from woaas_work_orders.erasure.inputs import NewErasure, NewLegalHold
from woaas_work_orders.erasure.resources import ERASURE, LEGAL_HOLD

TAG = "Security"


class ErasureView(View, kw_only=True):
    """That a person's values were destroyed; `fields` is how many values of the log."""

    subject: str | UnsetType = UNSET
    fields: int | UnsetType = UNSET
    erased_by: str | UnsetType = UNSET
    erased_at: datetime | UnsetType = UNSET


class LegalHoldView(View, kw_only=True):
    """What must be kept until it is released."""

    subject: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    placed_by: str | UnsetType = UNSET
    placed_at: datetime | UnsetType = UNSET
    released_at: datetime | None | UnsetType = UNSET


def _show(call: Call, resource: Resource, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(resource), row)


@route("POST", "/erasures", tag=TAG, status=201)
async def create_erasure(call: Call, body: NewErasure) -> Answer[ErasureView]:
    """Destroy the values of an operator, a customer or a member (`subject`, its id); it cannot be undone.

    Live rows, the openings of the log's commitments, stored answers and bundles go; every proof still verifies. A legal
    hold forbids it (409 `legal_hold`).
    """
    shown = _show(call, ERASURE, await service.erase(call.uow, call.principal, body))
    return Answer(shown, 201, "/v1/erasures")


@route("GET", "/erasures", tag=TAG)
async def list_erasures(call: Call) -> Answer[Listed[ErasureView]]:
    """List erasures, newest first."""
    return await call.page(ERASURE)


@route("POST", "/legal-holds", tag=TAG, status=201)
async def create_legal_hold(call: Call, body: NewLegalHold) -> Answer[LegalHoldView]:
    """Forbid to erase a person, and to archive what is about him or about a work order; `*` is everything."""
    shown = _show(call, LEGAL_HOLD, await service.place_hold(call.uow, call.principal, body))
    return Answer(shown, 201, f"/v1/legal-holds/{shown['id']}")


@route("GET", "/legal-holds", tag=TAG)
async def list_legal_holds(call: Call) -> Answer[Listed[LegalHoldView]]:
    """List legal holds, newest first, those that are over too."""
    return await call.page(LEGAL_HOLD)


@route("GET", "/legal-holds/{key}", tag=TAG)
async def get_legal_hold(call: Call, key: str) -> Answer[LegalHoldView]:
    """Read a legal hold."""
    row = await service.get_hold(call.uow, call.principal, decode_id("hld", key))
    return Answer(_show(call, LEGAL_HOLD, row))


@route("POST", "/legal-holds/{key}/release", tag=TAG)
async def release_legal_hold(call: Call, key: str) -> Answer[LegalHoldView]:
    """End a legal hold."""
    known = await service.get_hold(call.uow, call.principal, decode_id("hld", key))
    call.require_match(lambda: _show(call, LEGAL_HOLD, known))
    return Answer(_show(call, LEGAL_HOLD, await service.release_hold(call.uow, call.principal, known)))


ROUTES = (
    create_erasure,
    list_erasures,
    create_legal_hold,
    list_legal_holds,
    get_legal_hold,
    release_legal_hold,
)
