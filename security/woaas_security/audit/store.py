"""All SQL of the verifiable log."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_security.audit.tree import TILE_WIDTH

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

RAISE_EPOCH = Statement.text(
    "INSERT INTO sequencer_fence AS f (id, epoch) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET epoch = f.epoch + 1 RETURNING epoch"
)
HOLD_EPOCH = Statement.text("SELECT epoch FROM sequencer_fence WHERE id = 1 AND epoch = $1 FOR UPDATE", "epoch")
PUBLISH_KEY = Statement.text(
    "INSERT INTO audit_key (public_key, first_used_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", "public_key", "now"
)
# Of two causally ordered commits the first has the lower seq and is visible to whoever sees the second.
TAKE_PENDING = Statement.text(
    """
    WITH taken AS (
      DELETE FROM pending WHERE seq IN (SELECT seq FROM pending ORDER BY seq LIMIT $1)
      RETURNING seq, tenant_id, event_id, leaf_hash
    )
    SELECT tenant_id, event_id, leaf_hash FROM taken ORDER BY seq
    """,
    "limit",
)
HEADS = Statement.text(
    "SELECT tenant_id, size, frontier FROM log_head WHERE tenant_id = ANY($1::uuid[]) FOR UPDATE", "tenants"
)
INSERT_LOG = Statement.text(
    """
    INSERT INTO log (tenant_id, index, event_id, leaf_hash)
    SELECT $1, $2 + u.n - 1, u.event_id, u.leaf_hash
    FROM unnest($3::uuid[], $4::bytea[]) WITH ORDINALITY AS u (event_id, leaf_hash, n)
    """,
    "tenant_id",
    "first",
    "event_ids",
    "leaf_hashes",
)
INSERT_TILE = Statement.text(
    "INSERT INTO tile (tenant_id, level, index, hashes, root) VALUES ($1, $2, $3, $4, $5)",
    "tenant_id",
    "level",
    "index",
    "hashes",
    "root",
)
MOVE_HEAD = Statement.text(
    """
    INSERT INTO log_head (tenant_id, size, frontier, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id) DO UPDATE SET size = excluded.size, frontier = excluded.frontier,
      updated_at = excluded.updated_at
    """,
    "tenant_id",
    "size",
    "frontier",
    "now",
)
DUE = Statement.text(
    """
    SELECT tenant_id, size, frontier, signed_size, signed_root FROM log_head
    WHERE (size > coalesce(signed_size, -1) AND (signed_at IS NULL OR signed_at <= $1)) OR signed_at <= $2
    ORDER BY signed_at NULLS FIRST LIMIT $3 FOR UPDATE
    """,
    "not_since",
    "heartbeat",
    "limit",
)
INSERT_CHECKPOINT = Statement.text(
    "INSERT INTO checkpoint (tenant_id, size, root, note, signed_at) VALUES ($1, $2, $3, $4, $5)",
    "tenant_id",
    "size",
    "root",
    "note",
    "signed_at",
)
MARK_SIGNED = Statement.text(
    "UPDATE log_head SET signed_size = $2, signed_root = $3, signed_at = $4 WHERE tenant_id = $1",
    "tenant_id",
    "size",
    "root",
    "signed_at",
)
NOTIFY = Statement.text("SELECT pg_notify($1, '')", "channel")

SIZE = Statement.text("SELECT size FROM log_head WHERE tenant_id = $1", "tenant_id")
HEAD = Statement.text("SELECT size, frontier FROM log_head WHERE tenant_id = $1", "tenant_id")
TILE = Statement.text(
    "SELECT hashes FROM tile WHERE tenant_id = $1 AND level = $2 AND index = $3", "tenant_id", "level", "index"
)
LEAF_HASH = Statement.text("SELECT leaf_hash FROM log WHERE tenant_id = $1 AND index = $2", "tenant_id", "index")
KEYS = Statement.text("SELECT public_key, first_used_at FROM audit_key ORDER BY first_used_at")
CHECKPOINTS = Statement.text(
    "SELECT size, root, note, signed_at FROM checkpoint WHERE tenant_id = $1 AND ($2::bigint IS NULL OR size < $2) "
    "ORDER BY size DESC, signed_at DESC LIMIT $3",
    "tenant_id",
    "before",
    "limit",
)
_ENTRY = """
    SELECT l.index, l.leaf_hash, e.payload, e.openings
    FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE l.tenant_id = $1 AND {place}
      AND ($4::uuid IS NULL OR e.work_order_id = $4) AND ($5::text IS NULL OR e.actor = $5)
      AND ($6::text IS NULL OR e.type = $6) AND ($7::text IS NULL OR e.subject = $7)
      AND ($8::timestamptz IS NULL OR e.recorded_at >= $8) AND ($9::timestamptz IS NULL OR e.recorded_at < $9)
"""
_FILTER = ("work_order_id", "actor", "type", "subject", "since", "until")
ENTRIES = Statement.text(
    _ENTRY.format(place="l.index < $2") + "ORDER BY l.index DESC LIMIT $3", "tenant_id", "before", "limit", *_FILTER
)
RANGE = Statement.text(
    _ENTRY.format(place="l.index >= $2 AND l.index < $3") + "ORDER BY l.index", "tenant_id", "start", "end", *_FILTER
)
RANGE_INDEXES = Statement.text(
    f"SELECT index FROM ({RANGE.sql}) AS found",  # noqa: S608 - our own text
    "tenant_id",
    "start",
    "end",
    *_FILTER,
)
COVERING = Statement.text(
    """
    SELECT min(l.index) AS first, max(l.index) + 1 AS end
    FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE l.tenant_id = $1 AND ($2::timestamptz IS NULL OR e.recorded_at >= $2)
      AND ($3::timestamptz IS NULL OR e.recorded_at < $3)
    """,
    "tenant_id",
    "since",
    "until",
)

_LEAVES = Statement.text(
    "SELECT leaf_hash AS hash FROM log WHERE tenant_id = $1 AND index >= $2 AND index < $3 ORDER BY index",
    "tenant_id",
    "first",
    "end",
)
_ROOTS = Statement.text(
    "SELECT root AS hash FROM tile WHERE tenant_id = $1 AND level = $4 AND index >= $2 AND index < $3 ORDER BY index",
    "tenant_id",
    "first",
    "end",
    "below",
)


async def open_tile(uow: "UnitOfWork", tenant_id: UUID, level: int, index: int, width: int) -> bytes:
    """The first ``width`` hashes of a tile that may still grow: leaves at level 0, roots of full tiles above."""
    first = index * TILE_WIDTH
    if level == 0:
        rows = await uow.all(_LEAVES, tenant_id=tenant_id, first=first, end=first + width)
    else:
        rows = await uow.all(_ROOTS, tenant_id=tenant_id, first=first, end=first + width, below=level - 1)
    return b"".join(row["hash"] for row in rows)
