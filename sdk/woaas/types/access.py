"""Who may do what: the caller, members and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Required

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Instant


class Me(Model):
    """The caller: who, with which scopes, and the fields that may be read and written."""

    tenant_id: str | None
    principal: object
    roles: list[str]
    scopes: list[str]
    livemode: bool | None


class Member(Model):
    """Somebody of the tenant."""

    id: str
    email: str | None
    name: str | None
    role: str | None


class APIKey(Model):
    """A key. `key` is there once, in the answer that creates it."""

    id: str
    name: str | None
    role: str | None
    key: str | None
    livemode: bool | None
    created_at: datetime | None
    expires_at: datetime | None


class NewMember(Call, total=False):
    """Somebody to invite."""

    email: Required[str]
    role: Required[str]
    name: str
    scope: Mapping[str, object]


class NewAPIKey(Call, total=False):
    """A key to make."""

    name: str
    role: str
    scopes: Sequence[str]
    expires_at: Instant | None


class Kpi(Model):
    """A figure with what it is made of, over a half-open window."""


class Export(Model):
    """A file of many objects."""
