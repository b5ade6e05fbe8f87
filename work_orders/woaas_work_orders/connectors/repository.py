"""All SQL about connectors."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.connectors.models import connector_tags, connectors, machine_states, sparkplug_nodes

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_C, _T, _N, _S = connectors.c, connector_tags.c, sparkplug_nodes.c, machine_states.c
_OWN = select(connectors).where(_C.tenant_id == bindparam("tenant_id"))
_BY_CODE = Statement(_OWN.where(_C.code == bindparam("code")))
_BY_ID = Statement(_OWN.where(_C.id == bindparam("connector_id")))
_INSERT = insert_row(connectors)
_REPLACE = Statement.text(
    """
    UPDATE connectors SET name = $4, broker = $5, password = $6, sparkplug = $7, stale_after = $8, tags = $9,
      version = version + 1, updated_at = $10
    WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING *
    """,
    *("tenant_id", "connector_id", "seen", "name", "broker", "password", "sparkplug", "stale_after", "tags", "now"),
)
_SET_STATE = Statement.text(
    """
    UPDATE connectors SET state = $4, status = CASE $4 WHEN 'disabled' THEN 'stopped' ELSE status END,
      version = version + 1, updated_at = $5
    WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING *
    """,
    *("tenant_id", "connector_id", "seen", "state", "now"),
)
_SET_TOKEN = Statement.text(
    "UPDATE connectors SET token_hash = $3, version = version + 1, updated_at = $4 "
    "WHERE tenant_id = $1 AND id = $2 RETURNING *",
    *("tenant_id", "connector_id", "token_hash", "now"),
)
_SET_TEST = Statement.text(
    "UPDATE connectors SET self_test = $3 WHERE tenant_id = $1 AND id = $2",
    *("tenant_id", "connector_id", "self_test"),
)
_SET_STATUS = Statement.text(
    """
    UPDATE connectors SET status = $3, last_error = coalesce($4, last_error),
      last_error_at = CASE WHEN $4::text IS NULL THEN last_error_at ELSE $5 END
    WHERE tenant_id = $1 AND id = $2 AND status <> $3 AND state = 'enabled' RETURNING code
    """,
    *("tenant_id", "connector_id", "status", "error", "now"),
)
_COUNT = Statement.text(
    """
    UPDATE connectors SET received = received + $3, applied = applied + $4, withheld = withheld + $5,
      failed = failed + $6, last_message_at = $8, last_error = coalesce($7, last_error),
      last_error_at = CASE WHEN $7::text IS NULL THEN last_error_at ELSE $8 END
    WHERE tenant_id = $1 AND id = $2
    """,
    *("tenant_id", "connector_id", "received", "applied", "withheld", "failed", "error", "now"),
)
_TAGS = Statement(
    select(connector_tags).where(
        _T.tenant_id == bindparam("tenant_id"),
        _T.connector_id == bindparam("connector_key"),
        _T.tag == bindparam("names", type_=ARRAY(Text)).any_(),
    )
)
_PUT_TAG = Statement.text(
    """
    INSERT INTO connector_tags
      (tenant_id, connector_id, tag, value, measured_at, seen_at, counter, counted_at, left_out, error)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (tenant_id, connector_id, tag) DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at,
      seen_at = excluded.seen_at, counter = excluded.counter, counted_at = excluded.counted_at,
      left_out = excluded.left_out, error = excluded.error
    """,
    *("tenant_id", "connector_id", "tag", "value", "measured_at", "seen_at", "counter", "counted_at"),
    *("left_out", "error"),
)
_FORGET_TAGS = Statement.text(
    "DELETE FROM connector_tags WHERE tenant_id = $1 AND connector_id = $2 AND NOT tag = ANY($3::text[])",
    *("tenant_id", "connector_id", "kept"),
)
_NODES = Statement(
    select(sparkplug_nodes).where(_N.tenant_id == bindparam("tenant_id"), _N.connector_id == bindparam("connector_key"))
)
_PUT_NODE = Statement.text(
    """
    INSERT INTO sparkplug_nodes (tenant_id, connector_id, node, is_online, bd_seq, seq, aliases, sent_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (tenant_id, connector_id, node) DO UPDATE SET is_online = excluded.is_online,
      bd_seq = excluded.bd_seq, seq = excluded.seq, aliases = excluded.aliases, sent_at = excluded.sent_at
    """,
    *("tenant_id", "connector_id", "node", "is_online", "bd_seq", "seq", "aliases", "sent_at"),
)
_TOUCH_NODE = Statement.text(
    "UPDATE sparkplug_nodes SET is_online = $4, seq = $5, sent_at = $6 "
    "WHERE tenant_id = $1 AND connector_id = $2 AND node = $3",
    *("tenant_id", "connector_id", "node", "is_online", "seq", "sent_at"),
)
_MACHINE = Statement(
    select(machine_states)
    .where(_S.tenant_id == bindparam("tenant_id"), _S.work_center == bindparam("center"))
    .with_for_update()
)
_PUT_MACHINE = Statement.text(
    """
    INSERT INTO machine_states (tenant_id, work_center, connector_id, claimed, written, withheld, claimed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, work_center) DO UPDATE SET connector_id = excluded.connector_id,
      claimed = excluded.claimed, written = excluded.written, withheld = excluded.withheld,
      claimed_at = excluded.claimed_at
    """,
    *("tenant_id", "work_center", "connector_id", "claimed", "written", "withheld", "claimed_at"),
)
# Of what is mapped to the connector's work centers: heard of lately or not, and not known to be silent.
_SILENT = Statement.text(
    """
    SELECT mapped.work_center, max(t.seen_at) AS seen_at
    FROM unnest($3::text[], $4::text[]) AS mapped (tag, work_center)
    JOIN connector_tags t ON t.tenant_id = $1 AND t.connector_id = $2 AND t.tag = mapped.tag
    LEFT JOIN machine_states m ON m.tenant_id = $1 AND m.work_center = mapped.work_center
    WHERE m.claimed IS DISTINCT FROM 'stale'
    GROUP BY mapped.work_center HAVING max(t.seen_at) < $5
    """,
    *("tenant_id", "connector_id", "tags", "work_centers", "before"),
)
_STALE_AMONG = Statement.text(
    "SELECT work_center FROM machine_states WHERE tenant_id = $1 AND work_center = ANY($2::text[]) "
    "AND claimed = 'stale' ORDER BY 1",
    *("tenant_id", "work_centers"),
)
_RUNNING_AT = Statement.text(
    "SELECT id FROM operations WHERE tenant_id = $1 AND work_center = $2 AND state = 'running' LIMIT 2",
    *("tenant_id", "work_center"),
)
_BY_PEOPLE = Statement.text(
    """
    SELECT r.id FROM reports r WHERE r.tenant_id = $1 AND r.operation_id = $2 AND r.kind = $3 AND r.connector IS NULL
      AND r.started_at < greatest($5::timestamptz, $4::timestamptz + interval '1 microsecond') AND r.ended_at > $4
      AND NOT EXISTS (SELECT FROM reports c WHERE c.tenant_id = r.tenant_id AND c.corrects = r.id)
    ORDER BY r.id LIMIT 1
    """,
    *("tenant_id", "operation_id", "kind", "since", "until"),
)
# Held by whoever follows the brokers: two under one name would throw each other out.
LOCK = Statement.text("SELECT pg_try_advisory_lock($1)", "key")
_TELL = Statement.text("SELECT pg_notify($1, $2)", "channel", "payload")
_TO_FOLLOW = Statement.text("SELECT * FROM connectors_to_follow()")
_AUTHENTICATE = Statement.text("SELECT authenticate_connector($1, $2)", "connector_id", "token_hash")


async def find(uow: "UnitOfWork", code: str) -> "Record | None":
    """A connector by its code."""
    return await uow.first(_BY_CODE, tenant_id=uow.tenant, code=code)


async def find_by_id(uow: "UnitOfWork", connector_id: UUID) -> "Record | None":
    """A connector by its id."""
    return await uow.first(_BY_ID, tenant_id=uow.tenant, connector_id=connector_id)


async def insert(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add a connector."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def replace(uow: "UnitOfWork", known: "Record", values: Mapping[str, object]) -> "Record | None":
    """Write what a connector is anew; None if somebody else was faster."""
    return await uow.first(
        _REPLACE,
        tenant_id=uow.tenant,
        connector_id=known["id"],
        seen=known["version"],
        now=uow.clock.now(),
        **{n: values[n] for n in ("name", "broker", "password", "sparkplug", "stale_after", "tags")},
    )


async def set_state(uow: "UnitOfWork", known: "Record", state: str) -> "Record | None":
    """Enable or disable; None if somebody else was faster."""
    return await uow.first(
        _SET_STATE,
        tenant_id=uow.tenant,
        connector_id=known["id"],
        seen=known["version"],
        state=state,
        now=uow.clock.now(),
    )


async def set_token(uow: "UnitOfWork", connector_id: UUID, token_hash: bytes) -> "Record":
    """Replace the password that the own broker takes."""
    row = await uow.first(
        _SET_TOKEN, tenant_id=uow.tenant, connector_id=connector_id, token_hash=token_hash, now=uow.clock.now()
    )
    assert row is not None
    return row


async def set_test(uow: "UnitOfWork", connector_id: UUID, self_test: Mapping[str, object]) -> None:
    """Keep a self-test, asked for or done."""
    await uow.execute(_SET_TEST, tenant_id=uow.tenant, connector_id=connector_id, self_test=self_test)


async def set_status(uow: "UnitOfWork", connector_id: UUID, status: str, error: str | None) -> bool:
    """Note how the connection stands; False where that was known."""
    return None is not await uow.value(
        _SET_STATUS,
        tenant_id=uow.tenant,
        connector_id=connector_id,
        status=status,
        error=error,
        now=uow.clock.now(),
    )


async def count(
    uow: "UnitOfWork", connector_id: UUID, *, received: int, applied: int, withheld: int, failed: int, error: str | None
) -> None:
    """Add what a batch of messages came to."""
    await uow.execute(
        _COUNT,
        tenant_id=uow.tenant,
        connector_id=connector_id,
        received=received,
        applied=applied,
        withheld=withheld,
        failed=failed,
        error=error,
        now=uow.clock.now(),
    )


async def tags(uow: "UnitOfWork", connector_id: UUID, names: Sequence[str]) -> "dict[str, Record]":
    """What was last heard of some tags."""
    if not names:
        return {}
    rows = await uow.all(_TAGS, tenant_id=uow.tenant, connector_key=connector_id, names=list(names))
    return {row["tag"]: row for row in rows}


async def put_tags(uow: "UnitOfWork", connector_id: UUID, rows: Iterable[Mapping[str, object]]) -> None:
    """Keep what was heard of some tags."""
    own = {"tenant_id": uow.tenant, "connector_id": connector_id}
    await uow.execute_many(_PUT_TAG, [{**row, **own} for row in rows])


async def forget_tags(uow: "UnitOfWork", connector_id: UUID, kept: Sequence[str]) -> None:
    """Drop what was heard of tags that are no longer mapped."""
    await uow.execute(_FORGET_TAGS, tenant_id=uow.tenant, connector_id=connector_id, kept=list(kept))


async def nodes(uow: "UnitOfWork", connector_id: UUID) -> "list[Record]":
    """The Sparkplug nodes heard of."""
    return await uow.all(_NODES, tenant_id=uow.tenant, connector_key=connector_id)


async def put_nodes(uow: "UnitOfWork", connector_id: UUID, rows: Iterable[Mapping[str, object]]) -> None:
    """Keep what Sparkplug nodes said of themselves."""
    own = {"tenant_id": uow.tenant, "connector_id": connector_id}
    await uow.execute_many(_PUT_NODE, [{**row, **own} for row in rows])


async def touch_nodes(uow: "UnitOfWork", connector_id: UUID, rows: Iterable[Mapping[str, object]]) -> None:
    """Keep how far known Sparkplug nodes have come."""
    own = {"tenant_id": uow.tenant, "connector_id": connector_id}
    await uow.execute_many(_TOUCH_NODE, [{**row, **own} for row in rows])


async def machine(uow: "UnitOfWork", work_center: str) -> "Record | None":
    """What machines last said of a work center, locked."""
    return await uow.first(_MACHINE, tenant_id=uow.tenant, center=work_center)


async def put_machine(uow: "UnitOfWork", values: Mapping[str, Any]) -> None:
    """Keep what a machine said of a work center."""
    await uow.execute(_PUT_MACHINE, tenant_id=uow.tenant, **values)


async def silent(
    uow: "UnitOfWork", connector_id: UUID, mapped: Sequence[tuple[str, str]], longest: timedelta
) -> "list[Record]":
    """Work centers of which nothing was heard for so long; pairs of tag and work center."""
    before: datetime = uow.clock.now() - longest
    return await uow.all(
        _SILENT,
        tenant_id=uow.tenant,
        connector_id=connector_id,
        tags=[tag for tag, _ in mapped],
        work_centers=[center for _, center in mapped],
        before=before,
    )


async def stale_among(uow: "UnitOfWork", work_centers: Sequence[str]) -> list[str]:
    """Those of the work centers that were last said to be silent."""
    if not work_centers:
        return []
    rows = await uow.all(_STALE_AMONG, tenant_id=uow.tenant, work_centers=list(work_centers))
    return [row["work_center"] for row in rows]


async def running_at(uow: "UnitOfWork", work_center: str) -> list[UUID]:
    """The operations that run at a work center; more than one tells only that there are several."""
    return [r["id"] for r in await uow.all(_RUNNING_AT, tenant_id=uow.tenant, work_center=work_center)]


async def reported_by_people(
    uow: "UnitOfWork", operation_id: UUID, kind: str, since: datetime, until: datetime
) -> UUID | None:
    """A report of a person that lies in the same time of an operation."""
    found: UUID | None = await uow.value(
        _BY_PEOPLE, tenant_id=uow.tenant, operation_id=operation_id, kind=kind, since=since, until=until
    )
    return found


async def tell(uow: "UnitOfWork", channel: str, payload: str) -> None:
    """Tell who listens once the transaction commits; the payload is an id."""
    await uow.execute(_TELL, channel=channel, payload=payload)


async def to_follow(uow: "UnitOfWork") -> "list[Record]":
    """Every enabled connector of every tenant, and those that wait for a self-test."""
    return await uow.all(_TO_FOLLOW)


async def authenticate(uow: "UnitOfWork", connector_id: UUID, token_hash: bytes) -> bool:
    """Whether the own broker may let a gateway in."""
    return bool(await uow.value(_AUTHENTICATE, connector_id=connector_id, token_hash=token_hash))
