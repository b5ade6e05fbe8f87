"""Floor 1: Litestar and the SQLAlchemy ORM, as a careful team would write it, without auth, audit, events or RLS."""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Litestar, get, post
from litestar.di import Provide
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import foreign, registry, relationship, selectinload

from benchmarks.floors.rules import DEFAULTS, NEXT, OPERATION_DEFAULTS
from woaas_core.ids import uuid7
from woaas_work_orders.orders.models import number_counters, operations, work_orders

TENANT = UUID(int=1)
mapper = registry()


class Order:
    """A mapped work order."""


class Operation:
    """A mapped operation."""


mapper.map_imperatively(Operation, operations)
mapper.map_imperatively(
    Order,
    work_orders,
    properties={
        "operations": relationship(
            Operation,
            primaryjoin=(work_orders.c.id == foreign(operations.c.work_order_id)),
            order_by=operations.c.sequence,
            cascade="save-update",
        )
    },
)


def plain(row: Any, table: Any) -> dict[str, Any]:
    """Every column of a row but the hash, for msgspec to encode."""
    return {c.name: getattr(row, c.name) for c in table.columns if c.name not in ("request_hash", "tenant_id")}


def shown(order: Any) -> dict[str, Any]:
    """An order with its operations."""
    return {**plain(order, work_orders), "operations": [plain(o, operations) for o in order.operations]}


async def load(session: AsyncSession, order_id: UUID) -> Any:
    """An order and its operations under its lock."""
    statement = (
        select(Order)
        .where(work_orders.c.tenant_id == TENANT, work_orders.c.id == order_id)
        .options(selectinload(Order.operations))  # type: ignore[attr-defined]
        .with_for_update()
    )
    return (await session.execute(statement)).scalar_one()


@post("/orders")
async def create(session: AsyncSession, data: dict[str, Any]) -> dict[str, Any]:
    """Enter an order."""
    now = datetime.now(UTC)
    statement = insert(number_counters).values(tenant_id=TENANT, series="WO", value=1)
    number = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "series"], set_={"value": number_counters.c.value + 1}
        ).returning(number_counters.c.value)
    )
    order: Any = Order()
    values = {**DEFAULTS, "id": uuid7(), "tenant_id": TENANT, "number": f"WO-{number:06d}", "state": "draft",
              "title": data["product"], "product": data["product"], "quantity": Decimal(data["quantity"]),
              "created_at": now, "updated_at": now}  # fmt: skip
    for name, value in values.items():
        setattr(order, name, value)
    for i, step in enumerate(data["operations"]):
        operation: Any = Operation()
        fields = {**OPERATION_DEFAULTS, "id": uuid7(), "tenant_id": TENANT, "sequence": 10 * (i + 1),
                  "name": step["name"], "state": "pending", "predecessors": [10 * i] if i else [],
                  "setup_time": timedelta(minutes=15), "unit_time": timedelta(minutes=3), "created_at": now,
                  "updated_at": now}  # fmt: skip
        for name, value in fields.items():
            setattr(operation, name, value)
        order.operations.append(operation)
    session.add(order)
    await session.flush()
    answer = {c.name: getattr(order, c.name, None) for c in work_orders.columns if c.name in values}
    return {**answer, "request_hash": None, "operations": [{"id": o.id, "state": o.state} for o in order.operations]}


@post("/orders/{order_id:uuid}/{command:str}", status_code=200)
async def command_order(session: AsyncSession, order_id: UUID, command: str) -> dict[str, Any]:
    """Release or complete."""
    order = await load(session, order_id)
    order.state = "released" if command == "release" else "completed"
    order.version += 1
    order.updated_at = datetime.now(UTC)
    if command == "release":
        order.operations[0].state = "ready"
        order.operations[0].version += 1
    await session.flush()
    return shown(order)


@post("/operations/{operation_id:uuid}/{command:str}", status_code=200)
async def command_operation(session: AsyncSession, operation_id: UUID, command: str) -> dict[str, Any]:
    """Start or complete."""
    order_id = await session.scalar(
        select(operations.c.work_order_id).where(operations.c.tenant_id == TENANT, operations.c.id == operation_id)
    )
    order = await load(session, order_id)
    now = datetime.now(UTC)
    place = next(i for i, o in enumerate(order.operations) if o.id == operation_id)
    operation = order.operations[place]
    operation.state = NEXT[command]
    operation.version += 1
    operation.updated_at = now
    if command == "start":
        operation.started_at = now
        if order.state == "released":
            order.state = "running"
            order.version += 1
            order.updated_at = now
    else:
        operation.ended_at = now
        if place + 1 < len(order.operations):
            order.operations[place + 1].state = "ready"
            order.operations[place + 1].version += 1
    await session.flush()
    return plain(operation, operations)


@get("/orders/{order_id:uuid}")
async def get_order(session: AsyncSession, order_id: UUID) -> dict[str, Any]:
    """Read one."""
    statement = (
        select(Order)
        .where(work_orders.c.tenant_id == TENANT, work_orders.c.id == order_id)
        .options(selectinload(Order.operations))  # type: ignore[attr-defined]
    )
    return shown((await session.execute(statement)).scalar_one())


@get("/orders")
async def list_orders(session: AsyncSession) -> dict[str, Any]:
    """The newest fifty."""
    statement = select(Order).where(work_orders.c.tenant_id == TENANT).order_by(work_orders.c.id.desc()).limit(51)
    rows = (await session.execute(statement)).scalars().all()
    return {"data": [plain(o, work_orders) for o in rows[:50]]}


def create_app() -> Litestar:
    """The floor as an app; its database comes from BENCH_DSN."""
    engine = create_async_engine(
        os.environ["BENCH_DSN"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=10
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def session() -> Any:
        async with sessions() as opened, opened.begin():
            yield opened

    return Litestar(
        [create, command_order, command_operation, get_order, list_orders],
        dependencies={"session": Provide(session)},
        openapi_config=None,
    )
