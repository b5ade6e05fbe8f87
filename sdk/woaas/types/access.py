"""Who may do what: the caller, members and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Required

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
    created_at: datetime | None


class APIKey(Model):
    """A key. `secret` is there once, in the answer that creates it."""

    id: str
    name: str | None
    key_id: str | None
    roles: list[str]
    customer: str | None
    secret: str | None
    livemode: bool | None
    created_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewMember(Call, total=False):
    """Somebody to invite."""

    email: Required[str]
    role: Required[str]
    name: str
    scope: Mapping[str, object]


class NewAPIKey(Call, total=False):
    """A key to make; a `customer` code binds one of the role customer to that customer's orders."""

    name: Required[str]
    roles: Required[Sequence[str]]
    customer: str | None
    expires_at: Instant | None


class Kpi(Model):
    """A figure with what it is made of, over a half-open window; `value` is None where nothing was counted."""

    name: str | None
    work_center: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None


class Export(Model):
    """A file of many objects."""
