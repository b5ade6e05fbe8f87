"""What callers send about members and API keys."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, DurationText, Instant, Name
from woaas_security.scope import Scope

Roles = Annotated[list[Code], msgspec.Meta(min_length=1, max_length=20)]
Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$(?!\n)", examples=["ann@factory.example"])]
Networks = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=50, examples=["203.0.113.0/24"])]], msgspec.Meta(max_length=50)
]


class NewMember(Body, kw_only=True):
    """A person to invite; the link to join goes to his address. After `access_until` he is refused."""

    email: Email
    name: Name
    roles: Roles
    customer: Code | None | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET
    language: Annotated[str, msgspec.Meta(pattern=r"^(en|zh)$(?!\n)")] | UnsetType = UNSET
    access_until: Instant | None | UnsetType = UNSET


class MemberPatch(Body, kw_only=True):
    """What a member is to have from now on; `scope` is replaced as a whole, `{}` opens all of the tenant."""

    name: Name | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET
    customer: Code | None | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET
    access_until: Instant | None | UnsetType = UNSET
    checkpoint_mail: bool | UnsetType = UNSET


class NewApiKey(Body, kw_only=True):
    """A key to make; without `expires_at` it is for 90 days, with null for good."""

    name: Name
    roles: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    customer: Code | None | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET
    networks: Networks | UnsetType = UNSET
    expires_at: Instant | None | UnsetType = UNSET


class KeyRotation(Body, kw_only=True):
    """How a key is replaced: for how long the old one stays good, a day unless said, and until when the new one is."""

    overlap: DurationText | UnsetType = UNSET
    expires_at: Instant | None | UnsetType = UNSET
