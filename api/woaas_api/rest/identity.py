"""Who am I, keys and members."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import REGISTRY, RESOURCES
from woaas_core.ids import decode_id
from woaas_core.wire import Body, Code, Instant, Name, given
from woaas_security.identity import service
from woaas_security.identity.me import describe
from woaas_security.identity.resources import API_KEY, MEMBER
from woaas_security.permissions.escalation import require_covered
from woaas_security.scope import Scope, require_within

TAG = "Security"


class NewApiKey(Body, kw_only=True):
    """A key to make."""

    name: Name
    roles: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    customer: Code | None | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET
    expires_at: Instant | None | UnsetType = UNSET


class ApiKeyView(View, kw_only=True):
    """A key; `secret` is shown once, when it is made."""

    name: str | UnsetType = UNSET
    key_id: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    customer: str | None | UnsetType = UNSET
    scope: dict[str, Any] | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    revoked_at: datetime | None | UnsetType = UNSET
    secret: str | None | UnsetType = UNSET


class MemberView(View, kw_only=True):
    """A person with access."""

    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    customer: str | None | UnsetType = UNSET
    scope: dict[str, Any] | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET


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
    """Make an API key; its secret is in this answer only."""
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
        expires_at=None if body.expires_at is UNSET else body.expires_at,
    )
    shown: dict[str, Any] = {**call.principal.show(access, row), "secret": secret}
    return Answer(shown, 201, f"/v1/api-keys/{shown['id']}", secret=("secret",))


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


@route("GET", "/members", tag=TAG)
async def list_members(call: Call) -> Answer[Listed[MemberView]]:
    """List the people with access."""
    return await call.page(MEMBER)


ROUTES = (get_me, list_api_keys, create_api_key, get_api_key, revoke_api_key, list_members)
