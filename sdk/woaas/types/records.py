"""Entries of other systems, erasures and legal holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Required

from woaas._models import Model
from woaas._request import Call


class AuditSource(Model):
    """A key of a system that may append entries to the log."""

    id: str
    code: str | None
    public_key: str | None
    created_at: datetime | None
    revoked_at: datetime | None


class ExternalEntry(Model):
    """An entry of another system."""

    id: str
    source: str | None
    source_id: str | None
    payload: Mapping[str, object] | None
    payload_sha256: str | None
    signature: str | None
    received_at: datetime | None


class Erasure(Model):
    """That a person's values were destroyed; `fields` is how many values of the log."""

    id: str
    subject: str | None
    fields: int | None
    erased_by: str | None
    erased_at: datetime | None


class LegalHold(Model):
    """What must be kept until it is released."""

    id: str
    subject: str | None
    reason: str | None
    placed_by: str | None
    placed_at: datetime | None
    released_at: datetime | None


class NewAuditSource(Call, total=False):
    """A code of your choice and an Ed25519 public key in base64."""

    code: Required[str]
    public_key: Required[str]


class NewExternalEntry(Call, total=False):
    """An entry and the Ed25519 signature, in base64, over the RFC 8785 bytes of its payload."""

    source: Required[str]
    payload: Required[Mapping[str, object]]
    signature: Required[str]


class NewErasure(Call, total=False):
    """The id of an operator, customer or member (for a hold also `*`), and why."""

    subject: Required[str]
    reason: Required[str]
