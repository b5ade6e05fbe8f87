"""Bodies of requests about applications."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, DurationText, Name
from woaas_security.scope import Scope

GrantType = Literal["authorization_code", "refresh_token", "client_credentials"]
Texts = Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]], msgspec.Meta(max_length=50)]


class NewClient(Body, kw_only=True):
    """An application to register.

    One that signs people in names where they are sent back to; one that acts in its own name has roles.
    """

    name: Name
    type: Literal["confidential", "public"]
    scopes: Texts
    redirect_uris: Texts | UnsetType = UNSET
    grant_types: Annotated[list[GrantType], msgspec.Meta(min_length=1, max_length=3)] | UnsetType = UNSET
    first_party: bool | UnsetType = UNSET
    roles: Annotated[list[str], msgspec.Meta(max_length=20)] | UnsetType = UNSET
    customer: Code | None | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET


class ClientChange(Body, kw_only=True):
    """What of an application may change while it is in use."""

    name: Name | UnsetType = UNSET
    redirect_uris: Texts | UnsetType = UNSET
    scopes: Texts | UnsetType = UNSET


class SecretRotation(Body, kw_only=True):
    """How long the secret in use goes on beside the new one; a day if it is not said, `PT0S` if it has leaked."""

    keep_previous_for: DurationText | UnsetType = UNSET
