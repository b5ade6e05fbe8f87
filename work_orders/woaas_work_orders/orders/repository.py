"""All SQL about work orders and operations."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.authz.scoping import Scoped
from woaas_work_orders.orders.entities import Operation, Order, WorkOrder
from woaas_work_orders.orders.models import operations, work_orders
from woaas_work_orders.orders.pegging import Demand, urgency
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.signatures import repository as signature_rows

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal

_W, _P = work_orders.c, operations.c
_HEAD = select(work_orders).where(_W.tenant_id == bindparam("tenant_id"))
_HEAD_BY_ID = Scoped.where(WORK_ORDER, _HEAD.where(_W.id == bindparam("key")))
_HEAD_BY_NUMBER = Scoped.where(WORK_ORDER, _HEAD.where(_W.number == bindparam("key")))
_HEAD_BY_REF = Statement(_HEAD.where(_W.external_ref == bindparam("key")))
_LOCK_BY_ID = Scoped.where(WORK_ORDER, _HEAD.where(_W.id == bindparam("key")).with_for_update())
_LOCK_BY_NUMBER = Scoped.where(WORK_ORDER, _HEAD.where(_W.number == bindparam("key")).with_for_update())


def _lock_by_operation(scope: ColumnElement[bool] | None) -> Select[Any]:
    owner = select(_P.work_order_id).where(_P.tenant_id == bindparam("tenant_id"), _P.id == bindparam("key"))
    wanted = owner if scope is None else owner.where(scope)
    return _HEAD.where(_W.id == wanted.correlate(None).scalar_subquery()).with_for_update()


_LOCK_BY_OPERATION = Scoped(OPERATION, _lock_by_operation)
_OPERATIONS = Statement(
    select(operations)
    .where(_P.tenant_id == bindparam("tenant_id"), _P.work_order_id == bindparam("order_id"))
    .order_by(_P.sequence)
)
_OPERATIONS_OF = Statement(
    select(operations)
    .where(_P.tenant_id == bindparam("tenant_id"), _P.work_order_id == bindparam("order_ids").any_())
    .order_by(_P.work_order_id, _P.sequence)
)
_OPERATION = Scoped.where(
    OPERATION, select(operations).where(_P.tenant_id == bindparam("tenant_id"), _P.id == bindparam("operation_id"))
)
_INSERT_ORDER = insert_row(work_orders)
_INSERT_OPERATION = insert_row(operations)
# Also what is archived: of the tiles since the order was made, those that name it.
_ENTRIES = Statement.text(
    """
    SELECT payload, openings -> '/reason' ->> 1 AS reason FROM (
      SELECT e.payload, a.openings -> (e.n - 1)::text AS openings, a.tile, e.n, NULL AS id
      FROM log_archive a
      CROSS JOIN LATERAL unnest(a.work_order_ids, a.payloads) WITH ORDINALITY AS e (work_order_id, payload, n)
      WHERE a.tenant_id = $1 AND a.last_at >= $3 AND a.work_order_ids @> ARRAY[$2::uuid] AND e.work_order_id = $2
      UNION ALL
      SELECT payload, openings, NULL, NULL, id FROM event WHERE tenant_id = $1 AND work_order_id = $2
    ) AS entry
    ORDER BY tile NULLS LAST, n, id LIMIT 2000
    """,
    *("tenant_id", "order_id", "since"),
)
_NUMBER = Statement.text(
    "INSERT INTO number_counters AS n (tenant_id, series, value) VALUES ($1, $2, $3) "
    "ON CONFLICT (tenant_id, series) DO UPDATE SET value = n.value + excluded.value RETURNING value",
    "tenant_id",
    "series",
    "how_many",
)

_DEMANDS = Statement.text(
    """
    SELECT o.id, o.materials, w.priority, w.due_at, w.number
    FROM work_orders w JOIN operations o ON o.tenant_id = w.tenant_id AND o.work_order_id = w.id
    WHERE w.tenant_id = $1 AND (w.state IN ('released', 'running', 'held') OR w.id = $2)
      AND o.state IN ('pending', 'waiting', 'ready', 'suspended', 'held') AND o.started_at IS NULL
      AND NOT o.kitted AND o.materials <> '[]'
    """,
    *("tenant_id", "order_id"),
)

_FIXED = {"id", "number", "created_at", "request_hash", "work_order_id", "is_signed"}
_UPDATE_ORDER = Statement(
    update(work_orders)
    .where(_W.tenant_id == bindparam("tenant_key"), _W.id == bindparam("id_key"))
    .values({c: bindparam(c.name) for c in work_orders.columns if c.name not in _FIXED | {"tenant_id"}})
)
_UPDATE_OPERATION = Statement(
    update(operations)
    .where(_P.tenant_id == bindparam("tenant_key"), _P.id == bindparam("id_key"))
    .values({c: bindparam(c.name) for c in operations.columns if c.name not in _FIXED | {"tenant_id"}})
)
_CLASSIFY = Statement(
    update(operations)
    .where(_P.tenant_id == bindparam("tenant_key"), _P.work_order_id == bindparam("order_id"))
    .values({_P.data_class: bindparam("class_of_order"), _P.export_controlled: bindparam("controlled")})
)
# What commands change, in one round trip for any number of operations; the order's row last, if it moved at all.
_ADVANCE_OPERATIONS = """
    UPDATE operations o SET state = u.state, held_from = u.held_from, operator = u.operator,
      work_center = u.work_center, kitted = u.kitted, good = u.good, scrap = u.scrap, rework = u.rework,
      started_at = u.started_at, ended_at = u.ended_at, version = o.version + 1, updated_at = $2
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::numeric[], $10::numeric[],
                $11::numeric[], $12::timestamptz[], $13::timestamptz[])
      AS u (id, state, held_from, operator, work_center, kitted, good, scrap, rework, started_at, ended_at)
    WHERE o.tenant_id = $1 AND o.id = u.id
"""
_MOVED = ("state", "held_from", "operator", "work_center", "kitted", "good", "scrap", "rework", "started_at",
          "ended_at")  # fmt: skip
_ADVANCE = Statement.text(_ADVANCE_OPERATIONS, "tenant_id", "now", "ids", *_MOVED)
_ADVANCE_BOTH = Statement.text(
    f"""
    WITH steps AS ({_ADVANCE_OPERATIONS})
    UPDATE work_orders SET state = $14, held_from = $15, stage = $16, stages = $17, released_at = $18,
      started_at = $19, completed_at = $20, closed_at = $21, version = version + 1, updated_at = $2
    WHERE tenant_id = $1 AND id = $22
    """,  # noqa: S608 - both halves are constants of this module
    *("tenant_id", "now", "ids", *_MOVED),
    *("order_state", "order_held_from", "stage", "stages", "released_at", "order_started_at", "completed_at"),
    *("closed_at", "order_id"),
)


async def get(uow: "UnitOfWork", principal: "Principal", key: UUID | str, *, lock: bool = False) -> WorkOrder | None:
    """An order by id or number, if the caller's role may see that row."""
    by_id = isinstance(key, UUID)
    statement = (_LOCK_BY_ID if by_id else _LOCK_BY_NUMBER) if lock else (_HEAD_BY_ID if by_id else _HEAD_BY_NUMBER)
    row = await uow.first(statement.of(principal), tenant_id=uow.tenant, key=key, **principal.row_values)
    return WorkOrder.from_row(row) if row else None


async def by_external_ref(uow: "UnitOfWork", external_ref: str) -> WorkOrder | None:
    """The order entered under a caller's own reference."""
    row = await uow.first(_HEAD_BY_REF, tenant_id=uow.tenant, key=external_ref)
    return WorkOrder.from_row(row) if row else None


async def lock_by_operation(uow: "UnitOfWork", principal: "Principal", operation_id: UUID) -> Order | None:
    """The order of an operation with all its operations, locked: commands on one order take turns."""
    statement = _LOCK_BY_OPERATION.of(principal)
    row = await uow.first(statement, tenant_id=uow.tenant, key=operation_id, **principal.row_values)
    return await _with_operations(uow, WorkOrder.from_row(row)) if row else None


async def load(uow: "UnitOfWork", head: WorkOrder) -> Order:
    """The operations to an order already read (and locked, where a command follows)."""
    return await _with_operations(uow, head)


async def _with_operations(uow: "UnitOfWork", head: WorkOrder) -> Order:
    # Read after the lock, in a snapshot of its own: one taken before could be stale.
    rows = await uow.all(_OPERATIONS, tenant_id=uow.tenant, order_id=head.id)
    order = Order(head, [Operation.from_row(r) for r in rows])
    order.is_told(head, *order.operations)
    if head.is_signed:
        order.signatures = await signature_rows.list_of(uow, head.id)
    return order


async def operations_of(uow: "UnitOfWork", order_ids: Sequence[UUID]) -> "list[Record]":
    """The operations of several orders, grouped by order and in sequence."""
    return await uow.all(_OPERATIONS_OF, tenant_id=uow.tenant, order_ids=list(order_ids))


async def get_operation(uow: "UnitOfWork", principal: "Principal", operation_id: UUID) -> "Record | None":
    """An operation, if the caller's role may see that row."""
    return await uow.first(
        _OPERATION.of(principal), tenant_id=uow.tenant, operation_id=operation_id, **principal.row_values
    )


async def demands(uow: "UnitOfWork", order_id: UUID) -> list[Demand]:
    """What the operations of open orders, and of the one named in any state, need and have not been given yet."""
    rows = await uow.all(_DEMANDS, tenant_id=uow.tenant, order_id=order_id)
    return [Demand(r["id"], urgency(r["priority"], r["due_at"], r["number"]), r["materials"]) for r in rows]


async def entries(uow: "UnitOfWork", order_id: UUID, since: datetime) -> "list[Record]":
    """The audit entries of an order made ``since`` then, with their reasons, oldest first."""
    return await uow.all(_ENTRIES, tenant_id=uow.tenant, order_id=order_id, since=since)


async def next_number(uow: "UnitOfWork", series: str) -> int:
    """The next number of a series, gap-free: the counter's row stays locked until the commit."""
    return (await next_numbers(uow, series, 1))[0]


async def next_numbers(uow: "UnitOfWork", series: str, how_many: int) -> range:
    """The next numbers of a series, all at once."""
    last = int(await uow.value(_NUMBER, tenant_id=uow.tenant, series=series, how_many=how_many))
    return range(last - how_many + 1, last + 1)


async def insert(uow: "UnitOfWork", order: Order) -> None:
    """Add an order with its operations."""
    await uow.execute(_INSERT_ORDER, tenant_id=uow.tenant, **order.head.values())
    await insert_operations(uow, order.operations)


async def insert_all(uow: "UnitOfWork", orders: Sequence[Order]) -> None:
    """Add orders with their operations in two round trips."""
    await uow.execute_many(_INSERT_ORDER, ({"tenant_id": uow.tenant, **o.head.values()} for o in orders))
    await insert_operations(uow, [operation for order in orders for operation in order.operations])


async def insert_operations(uow: "UnitOfWork", new: Sequence[Operation]) -> None:
    """Add operations to an order."""
    await uow.execute_many(_INSERT_OPERATION, ({"tenant_id": uow.tenant, **o.values()} for o in new))


async def update_order(uow: "UnitOfWork", head: WorkOrder) -> None:
    """Write every changeable column of an order."""
    await uow.execute(_UPDATE_ORDER, tenant_key=uow.tenant, id_key=head.id, **head.values())


async def classify_operations(uow: "UnitOfWork", head: WorkOrder) -> None:
    """Give an order's operations its data class and export control."""
    await uow.execute(
        _CLASSIFY,
        tenant_key=uow.tenant,
        order_id=head.id,
        class_of_order=head.data_class,
        controlled=head.export_controlled,
    )


async def update_operations(uow: "UnitOfWork", changed: Sequence[Operation]) -> None:
    """Write every changeable column of operations."""
    await uow.execute_many(
        _UPDATE_OPERATION, ({"tenant_key": uow.tenant, "id_key": o.id, **o.values()} for o in changed)
    )


async def advance(uow: "UnitOfWork", order: Order, changed: Sequence[Operation], *, head_changed: bool) -> None:
    """Write what a command moved; versions and updated_at are raised here and on the entities alike."""
    now = uow.clock.now()
    values: dict[str, Any] = {"tenant_id": uow.tenant, "now": now, "ids": [o.id for o in changed]}
    for name in _MOVED:
        values[name] = [getattr(o, name) for o in changed]
    for operation in changed:
        operation.version += 1
        operation.updated_at = now
    if not head_changed:
        if changed:
            await uow.execute(_ADVANCE, **values)
        return
    head = order.head
    head.version += 1
    head.updated_at = now
    await uow.execute(
        _ADVANCE_BOTH,
        **values,
        order_id=head.id,
        order_state=head.state,
        order_held_from=head.held_from,
        stage=head.stage,
        stages=head.stages,
        released_at=head.released_at,
        order_started_at=head.started_at,
        completed_at=head.completed_at,
        closed_at=head.closed_at,
    )
