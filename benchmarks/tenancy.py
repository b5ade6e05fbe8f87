"""The wall between tenants, on a real server: what row-level security costs, and whose policy is old."""

import asyncio
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from httpx import ASGITransport, AsyncClient

from woaas_api.app import create_app
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.db.tenancy import APP
from woaas_core.ids import uuid7
from woaas_core.settings import Settings
from woaas_infra.migrate import upgrade
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ensure_database
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_security.tenants.service import NewTenant
from woaas_security.tenants.service import create as create_tenant

TRIALS = int(os.environ.get("WOAAS_BENCH_TRIALS", "1000"))
_TENANTS, _ORDERS, _ROUNDS = 20, 1_000, 2_000
_GET = "SELECT * FROM work_orders WHERE tenant_id = $1 AND id = $2"
_LIST = (
    "SELECT id, number, title, state, due_at FROM work_orders WHERE tenant_id = $1 AND state = 'draft' "
    "ORDER BY id DESC LIMIT 50"
)
_SUPERUSER = "postgres"


class Walls(NamedTuple):
    """The figures; ``statements`` are name, milliseconds with and without row-level security."""

    stale: int
    statements: list[tuple[str, float, float]]


async def measure() -> Walls:
    """All of it, on a server of its own."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    home = Path(tempfile.mkdtemp(prefix="woaas-bench-"))
    postgres = EmbeddedPostgres(home, durable=False)
    try:
        dsn = await ensure_database(await asyncio.to_thread(postgres.start), "woaas")
        await asyncio.to_thread(upgrade, dsn)
        settings = Settings.load({}, home=home, database_url=dsn, rate_limit_per_minute=10_000_000)
        async with _database(dsn, APP) as database, _database(dsn, _SUPERUSER) as unwalled:
            stale = await _stale(settings, database)
            statements = await _statements(database, unwalled)
            return Walls(stale, statements)
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def _database(dsn: str, role: str) -> AsyncIterator[Database]:
    database = await Database.connect(dsn, role=role, size=4)
    try:
        yield database
    finally:
        await database.close()


async def _tenant(settings: Settings, database: Database, *roles: str) -> tuple[UUID, list[str]]:
    """A tenant with a key for each role."""
    keys = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    async with database.unit_of_work() as uow:
        tenant = await create_tenant(uow, NewTenant("Bench", uuid7(), livemode=True))
        return tenant, [(await keys.create_key(uow, name=role, roles=[role]))[1] for role in roles]


def _client(app: object, key: str) -> AsyncClient:
    transport = ASGITransport(app=app)  # type: ignore[arg-type]  # an ASGI app
    return AsyncClient(transport=transport, base_url="http://bench", headers={"Authorization": f"Bearer {key}"})


async def _stale(settings: Settings, database: Database) -> int:
    """How many answers came through an old mask, over policy changes seen by two apps on one database."""
    _, (owner, planner) = await _tenant(settings, database, "owner", "planner")
    apps = [await create_app(settings, database=database) for _ in range(2)]
    admin, *readers = [_client(apps[0], owner), _client(apps[0], planner), _client(apps[1], planner)]
    made = (await admin.post("/v1/work-orders", json={"product": "P", "quantity": "1", "customer": "ACME"})).json()
    stale = 0
    for trial in range(TRIALS):
        hides = trial % 2 == 0
        policy = {"resource": "work_order", "field": "customer", "role": "planner"}
        await admin.post("/v1/field-policies", json={**policy, "access": "none" if hides else "write"})
        for reader in readers:
            shown = (await reader.get(f"/v1/work-orders/{made['id']}")).json()
            stale += ("customer" in shown) is hides
    for client in (admin, *readers):
        await client.aclose()
    return stale


async def _statements(database: Database, unwalled: Database) -> list[tuple[str, float, float]]:
    """Medians of the same statements as the app and as a superuser, whom no policy concerns, turn by turn."""
    settings = Settings.load({}, home=Path(tempfile.gettempdir()), secret_key="bench" * 8)
    tenant = await _filled(settings, database, unwalled)
    async with unwalled.unit_of_work() as uow:
        rows = await uow.all(Statement.text("SELECT id FROM work_orders WHERE tenant_id = $1", "t"), t=tenant)
    found = []
    for name, sql in (("get", _GET), ("list", _LIST)):
        times: dict[Database, list[float]] = {database: [], unwalled: []}
        for turn in range(_ROUNDS):
            values = [tenant, rows[turn % len(rows)]["id"]][: sql.count("$")]
            for one in (database, unwalled) if turn % 2 else (unwalled, database):
                times[one].append(await _timed(one, tenant, sql, values))
        found.append((name, *(statistics.median(times[one]) * 1e3 for one in (database, unwalled))))
    return found  # type: ignore[return-value]  # two figures each


async def _timed(database: Database, tenant: UUID, sql: str, values: Sequence[object]) -> float:
    async with database.unit_of_work() as uow:
        await uow.connection.execute(f"SET LOCAL app.tenant_id = '{tenant}'")
        began = time.perf_counter()
        await uow.connection.fetch(sql, *values)
        return time.perf_counter() - began


async def _filled(settings: Settings, database: Database, unwalled: Database) -> UUID:
    """Many tenants with as many orders each: copies of one made through the API; answers one of them."""
    tenants = [await _tenant(settings, database, "owner") for _ in range(_TENANTS)]
    first, (key,) = tenants[0]
    async with _client(await create_app(settings, database=database), key) as client:
        await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
    async with unwalled.unit_of_work() as uow:
        columns = await uow.all(
            Statement.text(
                "SELECT quote_ident(column_name) AS name FROM information_schema.columns "
                "WHERE table_name = 'work_orders' AND table_schema = 'public' AND is_generated = 'NEVER' "
                "AND column_name NOT IN ('tenant_id', 'id', 'number') ORDER BY 1"
            )
        )
        names, copied = (", ".join(f"{of}{row['name']}" for row in columns) for of in ("", "o."))
        await uow.connection.execute(
            f"INSERT INTO work_orders (tenant_id, id, number, {names}) "
            f"SELECT t.id, gen_random_uuid(), 'N-' || n, {copied} "
            "FROM work_orders o, tenants t, generate_series(1, $1) n WHERE o.tenant_id = $2 AND t.id = ANY($3)",
            _ORDERS,
            first,
            [tenant for tenant, _ in tenants],
        )
    async with unwalled.unit_of_work() as uow:
        await uow.connection.execute("ANALYZE work_orders")
    return first
