"""Applications that sign people in, or act by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Required

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration
from woaas.types.access import KeyScope


class OAuthClient(Model):
    """An application; `id` is its client_id. `secret` is there once, in the answer that makes it."""

    id: str
    name: str | None
    type: str | None
    first_party: bool | None
    redirect_uris: list[str]
    grant_types: list[str]
    scopes: list[str]
    roles: list[str]
    customer: str | None
    scope: dict[str, object]
    secret: str | None
    previous_secret_expires_at: datetime | None
    livemode: bool | None
    created_at: datetime | None
    archived_at: datetime | None


class NewOAuthClient(Call, total=False):
    """An application to register: `redirect_uris` for one that signs people in, `roles` for one that acts by itself."""

    name: Required[str]
    type: Required[Literal["confidential", "public"]]
    scopes: Required[Sequence[str]]
    redirect_uris: Sequence[str]
    grant_types: Sequence[Literal["authorization_code", "refresh_token", "client_credentials"]]
    first_party: bool
    roles: Sequence[str]
    customer: str | None
    scope: KeyScope


class OAuthClientChange(Call, total=False):
    """What of an application may change."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]


class NewSecret(Call, total=False):
    """How long the secret in use goes on beside the new one."""

    keep_previous_for: Duration
