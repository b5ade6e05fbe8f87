"""Applications that sign people in or act by themselves."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import REGISTRY
from woaas_core.ids import decode_id
from woaas_security.oauth import clients
from woaas_security.oauth.inputs import ClientChange, NewClient, SecretRotation
from woaas_security.oauth.resources import OAUTH_CLIENT

TAG = "Security"


class OAuthClientView(View, kw_only=True):
    """An application; its id is the `client_id`. `secret` is shown once, when it is made."""

    name: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    first_party: bool | UnsetType = UNSET
    redirect_uris: list[str] | UnsetType = UNSET
    grant_types: list[str] | UnsetType = UNSET
    scopes: list[str] | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    customer: str | None | UnsetType = UNSET
    scope: dict[str, Any] | UnsetType = UNSET
    previous_secret_expires_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    archived_at: datetime | None | UnsetType = UNSET
    secret: str | None | UnsetType = UNSET


@route("GET", "/oauth-clients", tag=TAG)
async def list_oauth_clients(call: Call) -> Answer[Listed[OAuthClientView]]:
    """List applications; secrets are never shown again."""
    return await call.page(OAUTH_CLIENT)


@route("POST", "/oauth-clients", tag=TAG, status=201, writes=OAUTH_CLIENT)
async def create_oauth_client(call: Call, body: NewClient) -> Answer[OAuthClientView]:
    """Register an application; a confidential one's secret is in this answer only.

    Give `redirect_uris` to one that signs people in, `roles` to one that acts by itself. It never has more rights than
    you, and never more than its scopes.
    """
    hash_of = call.edge.authorization_server.hash_of
    row, secret = await clients.create(call.uow, call.principal, body, REGISTRY, hash_of)
    shown = call.principal.show(call.principal.access(OAUTH_CLIENT), row)
    return Answer({**shown, "secret": secret}, 201, f"/v1/oauth-clients/{shown['id']}", secret=("secret",))


@route("GET", "/oauth-clients/{client}", tag=TAG)
async def get_oauth_client(call: Call, client: str) -> Answer[OAuthClientView]:
    """Read an application; its secret is never shown again."""
    row = await clients.get(call.uow, call.principal, decode_id("oac", client))
    return Answer(call.principal.show(call.principal.access(OAUTH_CLIENT), row))


@route("PATCH", "/oauth-clients/{client}", tag=TAG, writes=OAUTH_CLIENT)
async def update_oauth_client(call: Call, client: str, body: ClientChange) -> Answer[OAuthClientView]:
    """Change the name, redirect URIs or scopes of an application."""
    client_id = decode_id("oac", client)
    if call.request.headers.get("if-match"):
        found = await clients.get(call.uow, call.principal, client_id)
        call.require_match(lambda: call.principal.show(call.principal.access(OAUTH_CLIENT), found))
    row = await clients.change(call.uow, call.principal, client_id, body, REGISTRY)
    return Answer(call.principal.show(call.principal.access(OAUTH_CLIENT), row))


@route("POST", "/oauth-clients/{client}/rotate-secret", tag=TAG)
async def rotate_oauth_client_secret(call: Call, client: str, body: SecretRotation) -> Answer[OAuthClientView]:
    """Give an application a new secret; the one in use goes on for `keep_previous_for`, a day if it is not said."""
    hash_of = call.edge.authorization_server.hash_of
    client_id = decode_id("oac", client)
    row, secret = await clients.rotate_secret(call.uow, call.principal, client_id, body, REGISTRY, hash_of)
    shown = call.principal.show(call.principal.access(OAUTH_CLIENT), row)
    return Answer({**shown, "secret": secret}, secret=("secret",))


@route("POST", "/oauth-clients/{client}/archive", tag=TAG)
async def archive_oauth_client(call: Call, client: str) -> Answer[OAuthClientView]:
    """Retire an application; its secrets and tokens are refused from the next request on."""
    row = await clients.archive(call.uow, call.principal, decode_id("oac", client))
    return Answer(call.principal.show(call.principal.access(OAUTH_CLIENT), row))


ROUTES = (
    list_oauth_clients,
    create_oauth_client,
    get_oauth_client,
    update_oauth_client,
    rotate_oauth_client_secret,
    archive_oauth_client,
)
