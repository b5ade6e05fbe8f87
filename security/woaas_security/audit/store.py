"""All SQL of the verifiable log."""

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_core.events.log import FLOOR
from woaas_security.audit.proofs import NodeHashes, tiles_of
from woaas_security.audit.tiles import TILE_BYTES
from woaas_security.audit.tree import TILE_WIDTH, Node

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

CHANNEL = "woaas_log"

RAISE_EPOCH = Statement.text(
    "INSERT INTO sequencer_fence AS f (id, epoch) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET epoch = f.epoch + 1 RETURNING epoch"
)
HOLD_EPOCH = Statement.text("SELECT epoch FROM sequencer_fence WHERE id = 1 AND epoch = $1 FOR UPDATE", "epoch")
PUBLISH_KEY = Statement.text(
    "INSERT INTO audit_key (public_key, first_used_at) VALUES ($1, $2) "
    "ON CONFLICT (public_key) DO UPDATE SET retired_at = NULL",
    "public_key",
    "now",
)
RETIRE_KEYS = Statement.text(
    "UPDATE audit_key SET retired_at = $2 WHERE retired_at IS NULL AND public_key <> ALL($1::bytea[])", "used", "now"
)
# Of two causally ordered commits the first has the lower seq and is visible to whoever sees the second.
TAKE_PENDING = Statement.text(
    """
    WITH taken AS (
      DELETE FROM pending
      WHERE seq IN (SELECT seq FROM pending WHERE tenant_id <> ALL($2::uuid[]) ORDER BY seq LIMIT $1)
      RETURNING seq, tenant_id, event_id, leaf_hash
    )
    SELECT tenant_id, event_id, leaf_hash FROM taken ORDER BY seq
    """,
    "limit",
    "frozen",
)
HEADS = Statement.text(
    "SELECT tenant_id, size, frontier FROM log_head WHERE tenant_id = ANY($1::uuid[]) FOR UPDATE", "tenants"
)
# Also of a log whose head is gone.
SIGNED_HEADS = Statement.text(
    r"""
    SELECT s.tenant_id, coalesce(h.size, 0) AS size, coalesce(h.frontier, '\x0000000000000000') AS frontier
    FROM unnest($1::uuid[]) AS s (tenant_id) LEFT JOIN log_head h USING (tenant_id)
    """,
    "tenants",
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
    SELECT tenant_id, size, frontier FROM log_head
    WHERE ((size > coalesce(signed_size, -1) AND (signed_at IS NULL OR signed_at <= $1)) OR signed_at <= $2)
      AND tenant_id <> ALL($4::uuid[])
    ORDER BY signed_at NULLS FIRST LIMIT $3
    """,
    "not_since",
    "heartbeat",
    "limit",
    "frozen",
)
LEAVES_SINCE = Statement.text(
    """
    SELECT l.tenant_id, l.leaf_hash
    FROM unnest($1::uuid[], $2::bigint[]) AS s (tenant_id, size)
    JOIN log l ON l.tenant_id = s.tenant_id AND l.index >= s.size AND l.index < s.size + $3
    ORDER BY l.tenant_id, l.index
    """,
    "tenants",
    "sizes",
    "page",
)
# Of another origin are those of the log that was given up when this one began.
NEWEST_CHECKPOINT = Statement.text(
    "SELECT note FROM checkpoint WHERE tenant_id = $1 AND starts_with(note, $2::text || chr(10)) "
    "ORDER BY size DESC, signed_at DESC LIMIT 1",
    "tenant_id",
    "origin",
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
KEYS = Statement.text("SELECT public_key, first_used_at, retired_at FROM audit_key ORDER BY first_used_at")
# A note is its text, the log's signatures and below them the cosignatures of witnesses, one each.
_NOTE = """
    c.note || coalesce((SELECT string_agg(k.line, '' ORDER BY k.witness) FROM (
      SELECT DISTINCT ON (witness) witness, line FROM cosignature
      WHERE tenant_id = c.tenant_id AND origin = split_part(c.note, chr(10), 1) AND size = c.size
      ORDER BY witness, cosigned_at DESC) k), '') AS note
"""
CHECKPOINTS = Statement.text(
    f"""
    SELECT c.size, c.root, c.signed_at, {_NOTE} FROM checkpoint c
    WHERE c.tenant_id = $1 AND ($2::bigint IS NULL OR c.size < $2) ORDER BY c.size DESC, c.signed_at DESC LIMIT $3
    """,  # noqa: S608 - our own text
    "tenant_id",
    "before",
    "limit",
)
COSIGNED = Statement.text(
    f"""
    SELECT c.size, c.root, c.signed_at, {_NOTE} FROM checkpoint c
    WHERE c.tenant_id = $1 AND c.size > $2 AND EXISTS (SELECT 1 FROM cosignature k
      WHERE k.tenant_id = c.tenant_id AND k.size = c.size AND k.origin = split_part(c.note, chr(10), 1))
    ORDER BY c.size DESC, c.signed_at DESC LIMIT 1
    """,  # noqa: S608 - our own text
    "tenant_id",
    "beyond",
)
WITNESSED_SINCE = Statement.text(
    "SELECT EXISTS (SELECT 1 FROM cosignature WHERE tenant_id = $1 AND cosigned_at > $2)", "tenant_id", "since"
)
# The first and the last of each hour: what lies between two neighbours is never more than there was.
TRAIL = Statement.text(
    """
    SELECT note FROM (
      SELECT size, signed_at, note,
        row_number() OVER (PARTITION BY date_trunc('hour', signed_at) ORDER BY size, signed_at) AS place,
        row_number() OVER (PARTITION BY date_trunc('hour', signed_at) ORDER BY size DESC, signed_at DESC) AS from_end
      FROM checkpoint
      WHERE tenant_id = $1 AND size BETWEEN $2 AND $3 AND signed_at <= $4 AND starts_with(note, $5::text || chr(10))
    ) AS signed WHERE place = 1 OR from_end = 1 ORDER BY size, signed_at
    """,
    *("tenant_id", "first", "end", "until", "origin"),
)
_WANTED = """
      AND ($4::uuid IS NULL OR e.work_order_id = $4) AND ($5::text IS NULL OR e.actor = $5)
      AND ($6::text IS NULL OR e.type = $6) AND ($7::text IS NULL OR e.subject = $7)
      AND ($8::timestamptz IS NULL OR e.recorded_at >= $8) AND ($9::timestamptz IS NULL OR e.recorded_at < $9)
"""
_FILTER = ("work_order_id", "actor", "type", "subject", "since", "until")
_ENTRY = f"""
    SELECT l.index, l.leaf_hash, e.payload, e.openings
    FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE l.tenant_id = $1 AND {{place}}
    {_WANTED}
"""  # noqa: S608 - our own text
# A tile of the archive, as the rows that it was made of.
_ARCHIVED = f"""
    SELECT l.index, l.leaf_hash, e.payload, a.openings -> (e.n - 1)::text AS openings
    FROM log_archive a
    CROSS JOIN LATERAL unnest(a.types, a.subjects, a.work_order_ids, a.actors, a.recorded, a.payloads)
      WITH ORDINALITY AS e (type, subject, work_order_id, actor, recorded_at, payload, n)
    JOIN log l ON l.tenant_id = a.tenant_id AND l.index = a.tile * 256 + e.n - 1
    WHERE a.tenant_id = $1 AND a.tile >= $2 / 256 AND a.tile <= ($3 - 1) / 256 AND l.index >= $2 AND l.index < $3
    {_WANTED}
"""  # noqa: S608 - our own text
ENTRIES = Statement.text(
    _ENTRY.format(place=f"l.index < $2 AND l.index >= {FLOOR}") + "ORDER BY l.index DESC LIMIT $3",
    "tenant_id",
    "before",
    "limit",
    *_FILTER,
)
# Also of what is archived.
RANGE = Statement.text(
    f"{_ENTRY.format(place='l.index >= $2 AND l.index < $3')} UNION ALL {_ARCHIVED} ORDER BY index",
    "tenant_id",
    "start",
    "end",
    *_FILTER,
)
# Of what is archived, whole tiles.
COVERING = Statement.text(
    """
    SELECT min(first) AS first, max(past) AS end FROM (
      SELECT min(l.index) AS first, max(l.index) + 1 AS past
      FROM log l JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
      WHERE l.tenant_id = $1 AND ($2::timestamptz IS NULL OR e.recorded_at >= $2)
        AND ($3::timestamptz IS NULL OR e.recorded_at < $3)
      UNION ALL
      SELECT min(tile) * 256, max(tile) * 256 + 256 FROM log_archive
      WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR last_at >= $2)
        AND ($3::timestamptz IS NULL OR first_at < $3)
    ) AS found
    """,
    "tenant_id",
    "since",
    "until",
)
RETENTION = Statement.text("SELECT * FROM audit_retention WHERE tenant_id = $1", "tenant_id")
SET_RETENTION = Statement.text(
    """
    INSERT INTO audit_retention AS r (tenant_id, id, archive_after_days, version, updated_at) VALUES ($1, $2, $3, 1, $4)
    ON CONFLICT (tenant_id) DO UPDATE SET archive_after_days = excluded.archive_after_days, version = r.version + 1,
      updated_at = excluded.updated_at
    RETURNING r.*
    """,
    *("tenant_id", "id", "archive_after_days", "now"),
)
ARCHIVE = Statement.text("SELECT * FROM archive_entries($1, $2, $3)", "recorded_before", "at_most_tiles", "readers")

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


def origin_of(origin: str, tenant_id: UUID) -> str:
    """The name of a tenant's log in its checkpoints and verifier keys."""
    return f"{origin}/t/{tenant_id}"


def b64(content: bytes) -> str:
    """Standard padded base64, as all formats of the log write hashes."""
    return base64.b64encode(content).decode()


def tenant_of(origin: str, name: str) -> UUID | None:
    """The tenant whose log has this name; None for a log of another origin."""
    start = f"{origin}/t/"
    return UUID(name.removeprefix(start)) if name.startswith(start) else None


async def node_hashes(
    uow: "UnitOfWork", tenant_id: UUID, size: int, nodes: Iterable[Node], known: Mapping[Node, bytes] | None = None
) -> NodeHashes:
    """Fetch the tiles that hold these subtrees of a log of `size` entries and return what gives their hashes."""
    tiles = {
        (level, position): await _tile(uow, tenant_id, level, position, size)
        for level, position in sorted(tiles_of(nodes, known))
    }
    return NodeHashes(lambda level, position: tiles[(level, position)], known)


async def _tile(uow: "UnitOfWork", tenant_id: UUID, level: int, position: int, size: int) -> bytes:
    width = min(TILE_WIDTH, (size >> 8 * level) - position * TILE_WIDTH)
    if width == TILE_WIDTH:
        stored = await uow.value(TILE, tenant_id=tenant_id, level=level, index=position)
        if stored is not None and len(stored) == TILE_BYTES:
            return bytes(stored)
    return await open_tile(uow, tenant_id, level, position, width)


async def open_tile(uow: "UnitOfWork", tenant_id: UUID, level: int, index: int, width: int) -> bytes:
    """The first ``width`` hashes of a tile that may still grow: leaves at level 0, roots of full tiles above."""
    first = index * TILE_WIDTH
    if level == 0:
        rows = await uow.all(_LEAVES, tenant_id=tenant_id, first=first, end=first + width)
    else:
        rows = await uow.all(_ROOTS, tenant_id=tenant_id, first=first, end=first + width, below=level - 1)
    return b"".join(row["hash"] for row in rows)
