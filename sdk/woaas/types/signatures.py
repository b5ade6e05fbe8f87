"""Electronic signatures under work orders and operations."""

from __future__ import annotations

from datetime import datetime
from typing import Required

from woaas._models import Model
from woaas._request import Call


class Signature(Model):
    """An electronic signature; `state` is `valid`, or `invalidated` once what was signed has changed."""

    id: str
    work_order_id: str | None
    operation_id: str | None
    meaning: str | None
    reason: str | None
    signer_id: str | None
    signer_name: str | None
    method: str | None
    signed_at: datetime | None
    signed_at_local: str | None
    time_zone: str | None
    scope: str | None
    record_sha256: str | None
    state: str | None
    invalidated_at: datetime | None
    invalidated_by: str | None


class SignatureFields(Call, total=False):
    """A signature. A key names the member who signs as `signer`, by e-mail address; `otp` is his second factor's."""

    meaning: Required[str]
    reason: str | None
    signer: str
    password: str
    otp: str
    proof: str


class NewSignature(SignatureFields, total=False):
    """A signature under the work order or operation `subject`."""

    subject: Required[str]
