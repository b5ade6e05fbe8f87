"""What callers send about roles, field policies and grants."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, Instant, Name

Level = Literal["none", "masked", "read", "write"]
FieldName = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=80, description="A field, a member such as custom_fields.margin, or * for all"
    ),
]
ResourceName = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}$(?!\n)", examples=["work_order"])]
Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Permission(Body, kw_only=True):
    """What a role adds on one kind of object: access to a field, actions, or both; `none` takes a field away."""

    resource: ResourceName
    field: FieldName = "*"
    access: Level | UnsetType = UNSET
    actions: Annotated[list[Code], msgspec.Meta(max_length=50)] | UnsetType = UNSET
    data_class: Code | None = None


class RoleBody(Body, kw_only=True):
    """A role of the tenant's own: what the built-in ones it inherits have, and more."""

    name: Name
    code: Code | UnsetType = UNSET
    inherits: Annotated[list[Code], msgspec.Meta(max_length=9)] = []
    permissions: Annotated[list[Permission], msgspec.Meta(max_length=200)] = []


class FieldPolicyBody(Body, kw_only=True):
    """How far a role gets with a field, whatever else it is given; limited to a data class if one is named."""

    resource: ResourceName
    field: FieldName
    role: Code
    access: Level
    data_class: Code | None = None


class NewGrant(Body, kw_only=True):
    """Fields opened for reading to a role, a member, a key or a contract's partner, for a purpose and a time."""

    resource: ResourceName
    fields: Annotated[list[FieldName], msgspec.Meta(min_length=1, max_length=50)]
    to: Annotated[
        str, msgspec.Meta(min_length=1, max_length=80, description="A role's code, or an id: usr_…, key_… or ctr_…")
    ]
    purpose: Purpose
    expires_at: Instant
