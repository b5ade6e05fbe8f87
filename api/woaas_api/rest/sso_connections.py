"""Connections to identity providers."""

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import REGISTRY
from woaas_core.ids import decode_id
from woaas_security.sso import service
from woaas_security.sso.inputs import ConnectionPatch, NewConnection
from woaas_security.sso.resources import SSO_CONNECTION

TAG = "Security"


class DomainView(Struct, kw_only=True):
    """A domain; `record` is the TXT record to set at `_woaas.<name>`."""

    name: str
    record: str
    verified_at: datetime | None


class ConnectionView(View, kw_only=True):
    """A connection; `redirect_uri` is what the provider must know, of SAML also `metadata_url`.

    Of SAML `issuer` is the provider's entity ID, `redirect_uri` the assertion consumer service, and `metadata_url` both
    our entity ID and where our metadata is.
    """

    name: str | UnsetType = UNSET
    protocol: Literal["oidc", "saml"] | UnsetType = UNSET
    issuer: str | UnsetType = UNSET
    client_id: str | None | UnsetType = UNSET
    sign_on_url: str | None | UnsetType = UNSET
    certificates: list[str] | UnsetType = UNSET
    domains: list[DomainView] | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    role_claim: str | None | UnsetType = UNSET
    role_map: dict[str, str] | UnsetType = UNSET
    enforced: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    redirect_uri: str | UnsetType = UNSET
    metadata_url: str | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


def _show(call: Call, row: Any) -> dict[str, Any]:
    shown = call.principal.show(call.principal.access(SSO_CONNECTION), row)
    if "protocol" not in shown:
        return shown
    if shown["protocol"] == service.SAML:
        own = service.party(call.edge.settings.url, decode_id("sso", shown["id"]))
        return {**shown, "redirect_uri": own.acs_url, "metadata_url": own.entity_id}
    back = f"{call.edge.settings.url}/console/sso/{shown['id']}/callback"
    return {**shown, "redirect_uri": back, "metadata_url": None}


def _reader(call: Call) -> service.Reader:
    return service.Reader(call.edge.saml, call.edge.settings.outbound)


@route("GET", "/sso-connections", tag=TAG)
async def list_sso_connections(call: Call) -> Answer[Listed[ConnectionView]]:
    """List the identity providers that people sign in by."""
    return await call.page(SSO_CONNECTION, show=lambda row: _show(call, row))


@route("POST", "/sso-connections", tag=TAG, status=201, writes=SSO_CONNECTION)
async def create_sso_connection(call: Call, body: NewConnection) -> Answer[ConnectionView]:
    """Connect an identity provider by OpenID Connect, or by SAML 2.0 with `metadata`.

    409 `saml_missing` where this installation has no SAML.

    Whoever has an address of one of the `domains` and comes by it for the first time becomes a member with `roles`, the
    operator's unless said, or with those that the values of `role_claim` stand for in `role_map`. Before that a domain
    must carry its `record` as a TXT record at `_woaas.<name>`, which is looked up every few minutes.
    """
    row = await service.create(
        call.uow,
        call.principal,
        body,
        keyring=call.edge.authenticator.keyring,
        reader=_reader(call),
        registry=REGISTRY,
    )
    shown = _show(call, row)
    return Answer(shown, 201, f"/v1/sso-connections/{shown['id']}")


@route("GET", "/sso-connections/{connection}", tag=TAG)
async def get_sso_connection(call: Call, connection: str) -> Answer[ConnectionView]:
    """Read a connection; its secret is never shown."""
    return Answer(_show(call, await service.get(call.uow, call.principal, decode_id("sso", connection))))


@route("PATCH", "/sso-connections/{connection}", tag=TAG, writes=SSO_CONNECTION)
async def update_sso_connection(call: Call, connection: str, body: ConnectionPatch) -> Answer[ConnectionView]:
    """Change a connection; `domains` are replaced as a whole, those that stay are verified still.

    While one is `enforced`, passwords let nobody in but owners: 409 `conflict` without a verified domain.
    """
    known = await service.get(call.uow, call.principal, decode_id("sso", connection), "update", lock=True)
    call.require_match(lambda: _show(call, known))
    changed = await service.change(
        call.uow,
        call.principal,
        known,
        body,
        keyring=call.edge.authenticator.keyring,
        reader=_reader(call),
        registry=REGISTRY,
    )
    return Answer(_show(call, changed))


@route("DELETE", "/sso-connections/{connection}", tag=TAG, status=204)
async def delete_sso_connection(call: Call, connection: str) -> Answer[None]:
    """Remove a connection; nobody signs in by it any more."""
    await service.remove(call.uow, call.principal, decode_id("sso", connection))
    return Answer(None, 204)


ROUTES = (
    *(list_sso_connections, create_sso_connection, get_sso_connection),
    *(update_sso_connection, delete_sso_connection),
)
