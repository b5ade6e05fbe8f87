"""The tables of the one log and how a transaction appends to it.

``event`` rows are the audit entries; ``pending`` is the sequencer's queue; ``log`` gives each event its gap-free
index in its tenant. Only the sequencer writes ``log`` and ``log_head``. Old entries leave ``event`` for
``log_archive``, a tile of 256 in a row; which have left is told by one number, the floor.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, metadata, tenant_index, tenant_table
from woaas_core.db.statements import Statement
from woaas_core.events.envelope import Event, seal
from woaas_core.ids import encode_id

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

event = tenant_table(
    "event",
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("work_order_id", Uuid),
    Column("actor", Text, nullable=False),
    instant("recorded_at"),
    Column("payload", LargeBinary, nullable=False),
    Column("openings", JSONB),
    tenant_index("event", "work_order_id", "id"),
    tenant_index("event", "subject", "id"),
)

pending = Table(
    "pending",
    metadata,
    # The identity is drawn inside the business transaction: of two causally ordered commits the later is higher.
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    info={"tenant": True},
)

log = tenant_table(
    "log",
    Column("index", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index("uq_log_event_id", "tenant_id", "event_id", unique=True),
    key=("index",),
)

log_head = tenant_table(
    "log_head",
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("signed_size", BigInteger),
    Column("signed_root", LargeBinary),
    instant("signed_at", nullable=True),
    instant("updated_at"),
    key=(),
)

# The events of a full tile of the tree, column by column in the order of the log; `openings` are by place in it.
log_archive = tenant_table(
    "log_archive",
    Column("tile", BigInteger, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("subjects", ARRAY(Text), nullable=False),
    Column("work_order_ids", ARRAY(Uuid), nullable=False),
    Column("actors", ARRAY(Text), nullable=False),
    Column("recorded", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("payloads", ARRAY(LargeBinary), nullable=False),
    Column("openings", JSONB, nullable=False),
    instant("first_at"),
    instant("last_at"),
    key=("tile",),
)

reader_cursor = tenant_table(
    "reader_cursor",
    Column("reader", Text, nullable=False),
    Column("next_index", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    instant("retry_at", nullable=True),
    Column("error", Text),
    key=("reader",),
)

_EVENT = "tenant_id, id, type, subject, work_order_id, actor, recorded_at, payload, openings"
_PENDING = "tenant_id, event_id, leaf_hash"
_COMMON = ("tenant_id", "actor", "recorded_at")
_EACH = ("id", "type", "subject", "work_order_id", "payload", "openings", "leaf_hash")
# Up to so many the rows are parameters, which is a third cheaper for the database than taking arrays apart.
_FEW = 8
_MANY = (
    f"WITH made AS (INSERT INTO event ({_EVENT}) "  # noqa: S608 - our own text
    "SELECT $1, u.id, u.type, u.subject, u.work_order_id, $2, $3, u.payload, u.openings "
    "FROM unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::bytea[], $9::jsonb[]) "
    "AS u (id, type, subject, work_order_id, payload, openings))",
    f"INSERT INTO pending ({_PENDING}) SELECT $1, u.id, u.leaf_hash "  # noqa: S608 - our own text
    "FROM unnest($4::uuid[], $10::bytea[]) WITH ORDINALITY AS u (id, leaf_hash, n) ORDER BY u.n",
)


@cache
def append_statement(count: int, last: Statement | None = None) -> Statement:
    """What appends so many events and their places in the queue, in their order, and does ``last`` with them.

    Of a few, each has its own parameters, such as ``id_0``; of more, each parameter is a list.
    """
    names: tuple[str, ...] = (*_COMMON, *_EACH)
    events, queue = _MANY
    if count <= _FEW:
        names = (*_COMMON, *(f"{name}_{n}" for n in range(count) for name in _EACH))
        events = f"WITH made AS (INSERT INTO event ({_EVENT}) VALUES {_rows(_EVENT, names, count)})"  # noqa: S608 - ours
        queue = (
            f"INSERT INTO pending ({_PENDING}) "  # noqa: S608 - our own text
            f"VALUES {_rows(_PENDING.replace('event_id', 'id'), names, count)}"
        )
    if last is None:
        return Statement.text(f"{events} {queue}", *names)
    moved = re.sub(r"\$(\d+)", lambda place: f"${int(place[1]) + len(names)}", last.sql)
    return Statement.text(f"{events}, queued AS ({queue}) {moved}", *names, *(f"last_{n}" for n in last.names))


def _rows(columns: str, names: tuple[str, ...], count: int) -> str:
    places = {name: f"${n}" for n, name in enumerate(names, 1)}

    def row(n: int) -> str:
        return ", ".join(places[name if name in _COMMON else f"{name}_{n}"] for name in columns.split(", "))

    return ", ".join(f"({row(n)})" for n in range(count))


FLOOR = "coalesce((SELECT max(tile) + 1 FROM log_archive WHERE tenant_id = app_tenant()), 0) * 256"
"""In SQL: the first index of the entered tenant's log whose entry is not archived."""
_FLOOR = Statement.text(f"SELECT {FLOOR}")
_LAST_OF = Statement.text(
    "SELECT id FROM event WHERE tenant_id = $1 AND subject = $2 ORDER BY id DESC LIMIT 1", *("tenant_id", "subject")
)


async def last_event_of(uow: "UnitOfWork", subject: str) -> str:
    """The wire id of the last event about an object that has some."""
    return encode_id("evt", await uow.value(_LAST_OF, tenant_id=uow.tenant, subject=subject))


async def floor(uow: "UnitOfWork") -> int:
    """The first index whose entry is still in ``event``; those before are archived."""
    return int(await uow.value(_FLOOR))


async def append(uow: "UnitOfWork", events: list[Event], last: Statement | None = None, **values: object) -> None:
    """Write events and their places in the sequencer's queue, in one statement of the open transaction.

    ``last`` is done in the same statement with its ``values``, which spares the transaction a round trip.
    """
    at = uow.clock.now()
    sealed = [
        seal(
            e,
            tenant_id=uow.tenant,
            actor=uow.actor,
            at=at,
            request_id=uow.request_id,
            reason=uow.reason,
            live=uow.livemode,
        )
        for e in events
    ]
    rows = [
        (e.id, e.type, e.subject, e.work_order_id, s.payload, s.openings or None, s.leaf_hash)
        for e, s in zip(events, sealed, strict=True)
    ]
    parameters: dict[str, object] = {"tenant_id": uow.tenant, "actor": uow.actor.id, "recorded_at": at}
    if len(rows) > _FEW:
        parameters |= zip(_EACH, (list(column) for column in zip(*rows, strict=True)), strict=True)
    else:
        parameters |= {f"{name}_{n}": v for n, row in enumerate(rows) for name, v in zip(_EACH, row, strict=True)}
    parameters |= {f"last_{name}": value for name, value in values.items()}
    await uow.execute(append_statement(len(rows), last), **parameters)
