"""Floor 2: Litestar and asyncpg with hand-written SQL, without auth, audit, events or RLS."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Litestar, get, post
from litestar.datastructures import State

from benchmarks.floors.rules import DEFAULTS, NEXT, OPERATION_DEFAULTS
from woaas_core.ids import uuid7

TENANT = UUID(int=1)
HIDDEN = ("request_hash", "tenant_id")


def plain(row: Any) -> dict[str, Any]:
    """Every column of a row but the hash, for msgspec to encode."""
    return {k: v for k, v in row.items() if k not in HIDDEN}


def insert(table: str, columns: list[str]) -> str:
    """An INSERT of these columns."""
    marks = ", ".join(f"${i + 1}" for i in range(len(columns)))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


ORDER_COLUMNS = [*DEFAULTS, "id", "tenant_id", "number", "state", "title", "product", "quantity", "created_at",
                 "updated_at"]  # fmt: skip
OPERATION_COLUMNS = [*OPERATION_DEFAULTS, "id", "tenant_id", "work_order_id", "sequence", "name", "state",
                     "predecessors", "setup_time", "unit_time", "created_at", "updated_at"]  # fmt: skip
INSERT_ORDER = insert("work_orders", ORDER_COLUMNS)
INSERT_OPERATION = insert("operations", OPERATION_COLUMNS)
NUMBER = """INSERT INTO number_counters AS n (tenant_id, series, value) VALUES ($1, 'WO', 1)
  ON CONFLICT (tenant_id, series) DO UPDATE SET value = n.value + 1 RETURNING value"""
LOCK = "SELECT * FROM work_orders WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
LOCK_BY_OPERATION = """SELECT * FROM work_orders WHERE tenant_id = $1 AND id =
  (SELECT work_order_id FROM operations WHERE tenant_id = $1 AND id = $2) FOR UPDATE"""
GET = "SELECT * FROM work_orders WHERE tenant_id = $1 AND id = $2"
OPERATIONS = "SELECT * FROM operations WHERE tenant_id = $1 AND work_order_id = $2 ORDER BY sequence"
MOVE = """UPDATE operations SET state = $3, started_at = coalesce($4, started_at), ended_at = $5,
  version = version + 1, updated_at = now() WHERE tenant_id = $1 AND id = $2"""
MOVE_ORDER = """UPDATE work_orders SET state = $3, version = version + 1, updated_at = now()
  WHERE tenant_id = $1 AND id = $2"""
LIST = "SELECT * FROM work_orders WHERE tenant_id = $1 ORDER BY id DESC LIMIT 51"


@post("/orders")
async def create(state: State, data: dict[str, Any]) -> dict[str, Any]:
    """Enter an order."""
    now = datetime.now(UTC)
    async with state.pool.acquire() as connection, connection.transaction():
        number = await connection.fetchval(NUMBER, TENANT)
        order = {**DEFAULTS, "id": uuid7(), "tenant_id": TENANT, "number": f"WO-{number:06d}", "state": "draft",
                 "title": data["product"], "product": data["product"], "quantity": Decimal(data["quantity"]),
                 "created_at": now, "updated_at": now}  # fmt: skip
        await connection.execute(INSERT_ORDER, *(order[c] for c in ORDER_COLUMNS))
        steps = [
            {**OPERATION_DEFAULTS, "id": uuid7(), "tenant_id": TENANT, "work_order_id": order["id"],
             "sequence": 10 * (i + 1), "name": step["name"], "state": "pending",
             "predecessors": [10 * i] if i else [], "setup_time": timedelta(minutes=15),
             "unit_time": timedelta(minutes=3), "created_at": now, "updated_at": now}
            for i, step in enumerate(data["operations"])
        ]  # fmt: skip
        await connection.executemany(INSERT_OPERATION, [[s[c] for c in OPERATION_COLUMNS] for s in steps])
    return {**plain(order), "operations": [plain(s) for s in steps]}


@post("/orders/{order_id:uuid}/{command:str}", status_code=200)
async def command_order(state: State, order_id: UUID, command: str) -> dict[str, Any]:
    """Release or complete."""
    async with state.pool.acquire() as connection, connection.transaction():
        order = dict(await connection.fetchrow(LOCK, TENANT, order_id))
        steps = [dict(r) for r in await connection.fetch(OPERATIONS, TENANT, order_id)]
        order["state"] = "released" if command == "release" else "completed"
        await connection.execute(MOVE_ORDER, TENANT, order_id, order["state"])
        if command == "release":
            steps[0]["state"] = "ready"
            await connection.execute(MOVE, TENANT, steps[0]["id"], "ready", None, None)
    return {**plain(order), "operations": [plain(s) for s in steps]}


@post("/operations/{operation_id:uuid}/{command:str}", status_code=200)
async def command_operation(state: State, operation_id: UUID, command: str) -> dict[str, Any]:
    """Start or complete."""
    now = datetime.now(UTC)
    async with state.pool.acquire() as connection, connection.transaction():
        order = await connection.fetchrow(LOCK_BY_OPERATION, TENANT, operation_id)
        steps = [dict(r) for r in await connection.fetch(OPERATIONS, TENANT, order["id"])]
        place = next(i for i, s in enumerate(steps) if s["id"] == operation_id)
        step = steps[place]
        step["state"] = NEXT[command]
        started, ended = (now, None) if command == "start" else (None, now)
        await connection.execute(MOVE, TENANT, operation_id, step["state"], started, ended)
        if command == "start" and order["state"] == "released":
            await connection.execute(MOVE_ORDER, TENANT, order["id"], "running")
        if command == "complete" and place + 1 < len(steps):
            await connection.execute(MOVE, TENANT, steps[place + 1]["id"], "ready", None, None)
    return plain(step)


@get("/orders/{order_id:uuid}")
async def get_order(state: State, order_id: UUID) -> dict[str, Any]:
    """Read one."""
    async with state.pool.acquire() as connection:
        order = await connection.fetchrow(GET, TENANT, order_id)
        steps = await connection.fetch(OPERATIONS, TENANT, order_id)
    return {**plain(order), "operations": [plain(s) for s in steps]}


@get("/orders")
async def list_orders(state: State) -> dict[str, Any]:
    """The newest fifty."""
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(LIST, TENANT)
    return {"data": [plain(r) for r in rows[:50]]}


def create_app() -> Litestar:
    """The floor as an app; its database comes from BENCH_DSN."""

    async def prepare(connection: Any) -> None:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", format="binary",
            encoder=lambda v: b"\x01" + msgspec.json.encode(v), decoder=lambda d: msgspec.json.decode(d[1:]),
        )  # fmt: skip

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=1, max_size=10, init=prepare)
        yield
        await app.state.pool.close()

    return Litestar(
        [create, command_order, command_operation, get_order, list_orders], lifespan=[lifespan], openapi_config=None
    )
