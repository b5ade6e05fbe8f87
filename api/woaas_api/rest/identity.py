"""Who am I, and API keys."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import REGISTRY, RESOURCES
from woaas_core.ids import decode_id
from woaas_core.wire import duration_of, given, invalid, utc
from woaas_security.authz.access import Access
from woaas_security.identity import service
from woaas_security.identity.inputs import KeyRotation, NewApiKey
from woaas_security.identity.me import describe
from woaas_security.identity.resources import API_KEY
from woaas_security.permissions.escalation import require_covered
from woaas_security.scope import require_within

TAG = "Security"
_LIFE = timedelta(days=90)
_OVERLAP, _MOST_OVERLAP = timedelta(days=1), timedelta(days=30)


class ApiKeyView(View, kw_only=True):
    """A key; `secret` is shown once, when it is made."""

    name: str | UnsetType = UNSET
    key_id: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    customer: str | None | UnsetType = UNSET
    scope: dict[str, Any] | UnsetType = UNSET
    networks: list[str] | UnsetType = UNSET
    created_by: str | None | UnsetType = UNSET
    replaces: str | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    revoked_at: datetime | None | UnsetType = UNSET
    secret: str | None | UnsetType = UNSET


class Me(Struct, kw_only=True):
    """The caller, and what he may see and do."""

    id: str
    type: str
    name: str
    tenant_id: str
    tenant_name: str
    time_zone: str
    livemode: bool
    roles: list[str]
    scopes: list[str]
    permissions: dict[str, dict[str, list[str]]]


def _expiry(call: Call, given_at: datetime | None | UnsetType) -> datetime | None:
    return call.uow.clock.now() + _LIFE if isinstance(given_at, UnsetType) else utc(given_at, "/expires_at")


def _made(call: Call, access: Access, row: dict[str, object], secret: str) -> Answer[ApiKeyView]:
    shown: dict[str, Any] = {**call.principal.show(access, row), "secret": secret}
    return Answer(shown, 201, f"/v1/api-keys/{shown['id']}", secret=("secret",))


@route("GET", "/me", tag=TAG)
async def get_me(call: Call) -> Answer[Me]:
    """Read who you are and which fields and actions you have."""
    return Answer(await describe(call.uow, call.principal, RESOURCES))


@route("GET", "/api-keys", tag=TAG)
async def list_api_keys(call: Call) -> Answer[Listed[ApiKeyView]]:
    """List API keys; secrets are never shown again."""
    return await call.page(API_KEY)


@route("POST", "/api-keys", tag=TAG, status=201)
async def create_api_key(call: Call, body: NewApiKey) -> Answer[ApiKeyView]:
    """Make an API key; its secret is in this answer only.

    It may have no role that has more than you, and is refused from outside its `networks`. It works as long as the
    member who made it is active.
    """
    access = call.principal.require(API_KEY, "create")
    require_covered(call.principal, frozenset(body.roles), REGISTRY)
    scope = {} if isinstance(body.scope, UnsetType) else given(body.scope)
    require_within(call.principal.scope, scope)
    row, secret = await call.edge.authenticator.create_key(
        call.uow,
        name=body.name,
        roles=body.roles,
        customer=None if body.customer is UNSET else body.customer,
        scope=scope,
        networks=() if isinstance(body.networks, UnsetType) else body.networks,
        expires_at=_expiry(call, body.expires_at),
        created_by=await service.maker(call.uow, call.principal),
    )
    return _made(call, access, row, secret)


@route("POST", "/api-keys/{key}/rotate", tag=TAG, status=201)
async def rotate_api_key(call: Call, key: str, body: KeyRotation) -> Answer[ApiKeyView]:
    """Make a key's successor with the same rights; the old one stays good for `overlap`, a day unless said."""
    access = call.principal.require(API_KEY, "create")
    known = await service.get_key(call.uow, call.principal, decode_id("key", key), lock=True)
    require_covered(call.principal, frozenset(known["roles"]), REGISTRY)
    require_within(call.principal.scope, known["scope"])
    overlap = _OVERLAP if isinstance(body.overlap, UnsetType) else duration_of(body.overlap, "/overlap")
    if overlap > _MOST_OVERLAP:
        raise invalid("/overlap", "invalid", "Two keys are live side by side for at most 30 days.")
    row, secret = await service.rotate_key(
        call.uow,
        call.edge.authenticator,
        call.principal,
        known,
        overlap=overlap,
        expires_at=_expiry(call, body.expires_at),
    )
    return _made(call, access, row, secret)


@route("GET", "/api-keys/{key}", tag=TAG)
async def get_api_key(call: Call, key: str) -> Answer[ApiKeyView]:
    """Read an API key; its secret is never shown again."""
    row = await service.get_key(call.uow, call.principal, decode_id("key", key))
    return Answer(call.principal.show(call.principal.access(API_KEY), row))


@route("POST", "/api-keys/{key}/revoke", tag=TAG)
async def revoke_api_key(call: Call, key: str) -> Answer[ApiKeyView]:
    """Revoke an API key; it is refused from the next request on."""
    row = await service.revoke_key(call.uow, call.principal, decode_id("key", key))
    return Answer(call.principal.show(call.principal.access(API_KEY), row))


ROUTES = (get_me, list_api_keys, create_api_key, get_api_key, rotate_api_key, revoke_api_key)
