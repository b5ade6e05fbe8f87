"""What callers send about connections."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, Name

Issuer = Annotated[str, msgspec.Meta(min_length=8, max_length=500, examples=["https://login.factory.example"])]
Domain = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}$(?!\n)", examples=["factory.example"]
    ),
]
Domains = Annotated[list[Domain], msgspec.Meta(max_length=20)]
Credential = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Roles = Annotated[list[Code], msgspec.Meta(min_length=1, max_length=20)]
Claim = Annotated[str, msgspec.Meta(min_length=1, max_length=200, examples=["groups"])]
RoleMap = Annotated[
    dict[Annotated[str, msgspec.Meta(min_length=1, max_length=200)], Code],
    msgspec.Meta(max_length=100, examples=[{"planners": "planner"}]),
]


Metadata = Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]

# Never shown; of metadata what was read of it is.
WRITE_ONLY = frozenset({"client_secret", "metadata"})
FROM_METADATA = frozenset({"issuer", "sign_on_url", "certificates"})


class NewConnection(Body, kw_only=True):
    """An identity provider to sign in by.

    Of OpenID Connect `issuer`, `client_id` and `client_secret` are needed, of SAML the provider's `metadata` (XML).
    """

    name: Name
    protocol: Literal["oidc", "saml"] | UnsetType = UNSET
    issuer: Issuer | UnsetType = UNSET
    client_id: Credential | UnsetType = UNSET
    client_secret: Credential | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    domains: Domains | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET
    role_claim: Claim | None | UnsetType = UNSET
    role_map: RoleMap | UnsetType = UNSET


class ConnectionPatch(Body, kw_only=True):
    """What of a connection is to change; a new domain has to be verified, one that stays is so still."""

    name: Name | UnsetType = UNSET
    client_id: Credential | UnsetType = UNSET
    client_secret: Credential | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    domains: Domains | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET
    role_claim: Claim | None | UnsetType = UNSET
    role_map: RoleMap | UnsetType = UNSET
    enforced: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
