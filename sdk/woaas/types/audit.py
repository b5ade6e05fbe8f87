"""The audit log: entries, checkpoints and the proofs that join them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Required, TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Instant


class AuditEntry(Model):
    """One recorded fact at its place in the tenant's log."""

    index: int | None
    id: str | None
    type: str | None
    at: datetime | None
    actor: Model | None
    subject: str | None
    work_order: str | None
    request_id: str | None
    reason: str | None
    data: dict[str, object] | None
    changes: dict[str, object] | None
    leaf_hash: str | None


class Retention(Model):
    """After how many days entries are archived; None keeps all at hand."""

    id: str
    archive_after_days: int | None
    version: int | None
    updated_at: datetime | None


class Archive(Model):
    """A stretch `[first_index, end_index)` of the log that was archived."""

    id: str
    first_index: int | None
    end_index: int | None
    recorded_from: datetime | None
    recorded_to: datetime | None
    archived_at: datetime | None


class AuditKey(Model):
    """A key that signs checkpoints, as a C2SP verifier key."""

    vkey: str | None
    first_used_at: datetime | None
    retired_at: datetime | None


class Checkpoint(Model):
    """A signed statement of the log's size and root; `note` is the C2SP signed note itself."""

    size: int | None
    root: str | None
    note: str | None
    signed_at: datetime | None


class InclusionProof(Model):
    """That an entry is in the tree of a size; hashes are base64."""

    index: int | None
    tree_size: int | None
    leaf_hash: str | None
    proof: list[str]


class ConsistencyProof(Model):
    """That a later tree contains the earlier one unchanged; hashes are base64."""

    proof: list[str]


class ExportFields(TypedDict, total=False):
    """What to export: log indexes or times from `since` up to, not including, `until`."""

    since: int | Instant
    until: int | Instant
    filter: dict[str, object]
    format: Literal["jsonl", "csv", "parquet", "pdf"]


class RetentionPolicy(Call, total=False):
    """After how many days entries are archived, 30 at the least; None keeps all at hand."""

    archive_after_days: Required[int | None]


class NewAuditExport(ExportFields, Call, total=False):
    """`ExportFields` as one call."""
