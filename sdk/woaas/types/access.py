"""Who may do what: the caller, members and keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Required, TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Instant


class Me(Model):
    """The caller: who, with which scopes, and the fields that may be read and written."""

    id: str | None
    type: str | None
    name: str | None
    tenant_id: str | None
    tenant_name: str | None
    time_zone: str | None
    roles: list[str]
    scopes: list[str]
    livemode: bool | None


class Member(Model):
    """Somebody of the tenant."""

    id: str
    email: str | None
    name: str | None
    roles: list[str]
    customer: str | None
    scope: dict[str, object]
    language: str | None
    checkpoint_mail: bool | None
    state: str | None
    email_verified_at: datetime | None
    access_until: datetime | None
    version: int | None
    created_at: datetime | None


class Session(Model):
    """A browser in which you are signed in to the console."""

    id: str
    method: str
    address: str
    agent: str
    created_at: datetime
    expires_at: datetime
    is_current: bool


class Sessions(Model):
    """Your running sessions, newest first."""

    data: list[Session]


class APIKey(Model):
    """A key. `secret` is there once, in the answer that creates it."""

    id: str
    name: str | None
    key_id: str | None
    roles: list[str]
    customer: str | None
    scope: dict[str, object]
    networks: list[str]
    created_by: str | None
    replaces: str | None
    secret: str | None
    livemode: bool | None
    created_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewMember(Call, total=False):
    """Somebody to invite."""

    email: Required[str]
    name: Required[str]
    roles: Required[Sequence[str]]
    customer: str | None
    scope: KeyScope
    language: Literal["en", "zh"]
    access_until: Instant | None


class MemberFields(Call, total=False):
    """What a member is to have from now on."""

    name: str
    roles: Sequence[str]
    customer: str | None
    scope: KeyScope
    checkpoint_mail: bool


class KeyScope(TypedDict, total=False):
    """The part of the tenant that a key or member is for; all that is given must hold."""

    sites: Sequence[str]
    lines: Sequence[str]
    work_orders: Sequence[str]
    participant: str
    operator: str


class NewAPIKey(Call, total=False):
    """A key to make; a `customer` code binds one of the role customer to that customer's orders."""

    name: Required[str]
    roles: Required[Sequence[str]]
    customer: str | None
    scope: KeyScope
    networks: Sequence[str]
    expires_at: Instant | None


class KeyRotation(Call, total=False):
    """How a key is replaced; `overlap` is a duration such as PT1H for which the old one stays good."""

    overlap: str
    expires_at: Instant | None


class Role(Model):
    """A role; built-in ones have no id."""

    id: str | None
    code: str | None
    name: str | None
    is_built_in: bool | None
    inherits: list[str]
    permissions: list[dict[str, object]]
    archived_at: datetime | None
    version: int | None
    created_at: datetime | None
    updated_at: datetime | None


class RolePermission(TypedDict, total=False):
    """What a role adds on one kind of object; access `none` takes a field away."""

    resource: Required[str]
    field: str
    access: Literal["none", "masked", "read", "write"]
    actions: Sequence[str]
    data_class: str | None


class RoleFields(Call, total=False):
    """What a role is."""

    name: Required[str]
    inherits: Sequence[str]
    permissions: Sequence[RolePermission]


class FieldPolicy(Model):
    """How far a role gets with a field."""

    id: str
    resource: str | None
    field: str | None
    role: str | None
    access: str | None
    data_class: str | None
    version: int | None
    created_at: datetime | None
    updated_at: datetime | None


class NewFieldPolicy(Call, total=False):
    """How far a role is to get with a field."""

    resource: Required[str]
    field: Required[str]
    role: Required[str]
    access: Required[Literal["none", "masked", "read", "write"]]
    data_class: str | None


class Grant(Model):
    """Fields opened for a purpose and a time."""

    id: str
    resource: str | None
    fields: list[str]
    to: str | None
    purpose: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    granted_by: str | None
    created_at: datetime | None


class NewGrant(Call, total=False):
    """Fields to open; `to` is a role's code or the id of a member, a key or a contract."""

    resource: Required[str]
    fields: Required[Sequence[str]]
    to: Required[str]
    purpose: Required[str]
    expires_at: Required[Instant]


class ComparedKpi(Model):
    """The same figure over the compared window."""

    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None


class Kpi(Model):
    """A figure with what it is made of, over a half-open window; `value` is None where nothing was counted.

    `change` is its value less the one it is `compared` with; `unplanned` is work that no plan foresaw.
    """

    name: str | None
    work_center: str | None
    policy: str | None
    policy_version: int | None
    duration_model_version: int | None
    unplanned: bool | None
    currency: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    compared: ComparedKpi | None
    change: Decimal | None


class TenantDeletion(Model):
    """A deletion of the tenant asked for; `state` is closing until `delete_at`, or cancelled."""

    id: str
    state: Literal["closing", "cancelled", "destroying", "certified", "finished"]
    requested_by: str | None
    requested_at: datetime
    delete_at: datetime
    cancelled_at: datetime | None


class Export(Model):
    """A file of many objects."""
