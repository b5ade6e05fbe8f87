"""Tables of the verifiable log beside the log itself: tiles, checkpoints, keys and the sequencer's fence."""

from sqlalchemy import BigInteger, Column, Computed, Date, Integer, LargeBinary, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, metadata, tenant_index, tenant_table

tile = tenant_table(
    "tile",
    Column("level", SmallInteger, nullable=False),
    Column("index", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    # The hash of the level above that this tile stands for; the open tile of that level is read from here.
    Column("root", LargeBinary, nullable=False),
    key=("level", "index"),
)

checkpoint = tenant_table(
    "checkpoint",
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    instant("signed_at"),
    key=("size", "signed_at"),
)

# What witnesses added to a checkpoint; the origin tells a log from the one that it replaced.
cosignature = tenant_table(
    "cosignature",
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("witness", Text, nullable=False),
    instant("cosigned_at"),
    Column("line", Text, nullable=False),
    key=("origin", "size", "witness", "cosigned_at"),
)

_PROGRESS = (
    "CASE WHEN status = 'finished' THEN '1' WHEN entries_total > 0 THEN "
    "round(entries_done::numeric / entries_total, 3)::text ELSE '0' END"
)
audit_exports = tenant_table(
    "audit_exports",
    Column("id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("request", JSONB, nullable=False),
    # Whose rights the bundle is written under: applied when it is written, not when it was asked for.
    Column("requested_by", JSONB, nullable=False),
    Column("first_index", BigInteger),
    Column("end_index", BigInteger),
    # How much of the range has been gone through; told while it is written.
    Column("entries_done", BigInteger),
    Column("entries_total", BigInteger),
    Column("progress", Text, Computed(_PROGRESS, persisted=True), nullable=False),
    Column("sha256", Text),
    Column("size_bytes", BigInteger),
    Column("error", Text),
    instant("created_at"),
    instant("finished_at", nullable=True),
    instant("expires_at", nullable=True),
)

audit_export_parts = tenant_table(
    "audit_export_parts",
    Column("export_id", Uuid, nullable=False),
    Column("part", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    key=("export_id", "part"),
)

# The days on which the newest checkpoint was mailed to those who watch the log, and how far the log was then.
checkpoint_mailings = tenant_table(
    "checkpoint_mailings",
    Column("day", Date, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    key=("day",),
)

# Who read the log, and in which hour last: each reader leaves one entry an hour.
log_readers = tenant_table(
    "log_readers",
    Column("reader", Text, nullable=False),
    instant("hour"),
    key=("reader",),
)

# How long entries stay at hand before they go to the archive; none is for ever.
audit_retention = tenant_table(
    "audit_retention",
    Column("id", Uuid, nullable=False),
    Column("archive_after_days", Integer),
    Column("version", Integer, nullable=False),
    instant("updated_at"),
    key=(),
)

# The stretches of the log that were archived, each following the one before.
audit_archives = tenant_table(
    "audit_archives",
    Column("id", Uuid, nullable=False),
    Column("first_index", BigInteger, nullable=False),
    Column("end_index", BigInteger, nullable=False),
    instant("recorded_from"),
    instant("recorded_to"),
    instant("archived_at"),
)

# Keys of other systems that may append entries.
audit_sources = tenant_table(
    "audit_sources",
    Column("id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    instant("created_at"),
    instant("revoked_at", nullable=True),
    tenant_index("audit_sources", "code"),
)

external_entries = tenant_table(
    "external_entries",
    Column("id", Uuid, nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    # The canonical bytes that were signed.
    Column("payload", LargeBinary, nullable=False),
    Column("payload_sha256", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    instant("received_at"),
    tenant_index("external_entries", "source", "payload_sha256", unique=True),
)

audit_key = Table(
    "audit_key",
    metadata,
    Column("public_key", LargeBinary, primary_key=True),
    instant("first_used_at"),
    instant("retired_at", nullable=True),
)

# One row: whoever raised the epoch last may write the log, an older sequencer that wakes up finds it changed.
sequencer_fence = Table(
    "sequencer_fence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
)
