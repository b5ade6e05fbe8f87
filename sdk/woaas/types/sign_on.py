"""Identity providers that people sign in by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Required

from woaas._models import Model
from woaas._request import Call


class SSODomain(Model):
    """A domain whose people are led to the provider; `record` is the TXT record to set at `_woaas.<name>`."""

    name: str
    record: str
    verified_at: datetime | None


class SSOConnection(Model):
    """A connection; `redirect_uri` is what the provider must know, of SAML also `metadata_url`."""

    id: str
    name: str | None
    protocol: Literal["oidc", "saml"] | None
    issuer: str | None
    client_id: str | None
    sign_on_url: str | None
    certificates: list[str]
    domains: list[SSODomain]
    roles: list[str]
    role_claim: str | None
    role_map: dict[str, str]
    enforced: bool | None
    enabled: bool | None
    redirect_uri: str | None
    metadata_url: str | None
    livemode: bool | None
    version: int | None
    created_at: datetime | None
    updated_at: datetime | None


class NewSSOConnection(Call, total=False):
    """An identity provider to connect: of OpenID Connect its issuer and our client, of SAML its metadata (XML)."""

    name: Required[str]
    protocol: Literal["oidc", "saml"]
    issuer: str
    client_id: str
    client_secret: str
    metadata: str
    domains: Sequence[str]
    roles: Sequence[str]
    role_claim: str | None
    role_map: Mapping[str, str]


class SSOConnectionChange(Call, total=False):
    """What of a connection may change; `domains` are replaced as a whole."""

    name: str
    client_id: str
    client_secret: str
    metadata: str
    domains: Sequence[str]
    roles: Sequence[str]
    role_claim: str | None
    role_map: Mapping[str, str]
    enforced: bool
    enabled: bool
