"""`python -m benchmarks`: the request path beside its two floors, on a Postgres of its own.

The figure to compare is CPU per unit of work: seconds on a shared machine say little, ratios within one run do.
WOAAS_BENCH_LIFECYCLES sets how many are measured (default 400).
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.cpu import cpu_seconds, postgres_seconds
from benchmarks.load import Connection, Paths, lifecycle, run
from benchmarks.processes import free_port, process
from woaas_core.db.base import metadata
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import uuid7
from woaas_core.settings import Settings
from woaas_infra.dsn import with_database
from woaas_infra.migrate import upgrade
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ensure_database
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_security.tenants.service import NewTenant
from woaas_security.tenants.service import create as create_tenant

CLIENTS = 8
LIFECYCLES = int(os.environ.get("WOAAS_BENCH_LIFECYCLES", "400"))
READS = LIFECYCLES * 2
BATCHES = 4


class Figures(NamedTuple):
    """What one server used for one kind of work: per unit, milliseconds."""

    per_second: float
    api_ms: float
    postgres_ms: float
    background_ms: float


class Server(NamedTuple):
    """A running server with what it shares the work with."""

    name: str
    port: int
    paths: Paths
    pid: int
    background: tuple[int, ...]


def main() -> None:
    """Measure the three servers and print one table a kind of work."""
    home = Path(tempfile.mkdtemp(prefix="woaas-bench-"))
    postgres = EmbeddedPostgres(home)
    try:
        admin = postgres.start()
        dsn = asyncio.run(ensure_database(admin, "woaas"))
        upgrade(dsn)
        floor_dsn = asyncio.run(_floor_database(dsn))
        settings = Settings.load(home=home, database_url=dsn, rate_limit_per_minute=10_000_000)
        key = asyncio.run(_tenant(settings))
        postmaster = _postmaster(home)
        results: dict[str, dict[str, Figures]] = {}
        with _ours(settings, key) as ours, _floor("orm_app", floor_dsn) as orm, _floor("raw_app", floor_dsn) as raw:
            for server in (ours, orm, raw):
                asyncio.run(_warm(server))
            # Interleaved, so that what else the machine does falls on all alike.
            for _ in range(BATCHES):
                for server in (ours, orm, raw):
                    for kind, figures in _measure(server, postmaster).items():
                        by_server = results.setdefault(kind, {})
                        by_server[server.name] = _sum(by_server.get(server.name), figures)
        _print(results)
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


async def _list(connection: Connection, paths: Paths) -> None:
    await connection.call("GET", f"{paths.orders}?limit=50" if "/v1" in paths.orders else paths.orders)


def _measure(server: Server, postmaster: int) -> dict[str, Figures]:
    listed = asyncio.run(_newest(server))

    async def get(connection: Connection, paths: Paths) -> None:
        await connection.call("GET", f"{paths.orders}/{listed}")

    kinds = {"lifecycle (11 requests)": (lifecycle, LIFECYCLES), "list of 50": (_list, READS), "get": (get, READS)}
    out: dict[str, Figures] = {}
    for kind, (work, total) in kinds.items():
        count = total // BATCHES
        api, database = cpu_seconds(server.pid), postgres_seconds(postmaster)
        background = sum(cpu_seconds(p) for p in server.background)
        seconds = asyncio.run(run(server.port, server.paths, work, clients=CLIENTS, count=count))
        api = cpu_seconds(server.pid) - api
        background_now = sum(cpu_seconds(p) for p in server.background)
        database = postgres_seconds(postmaster) - database
        out[kind] = Figures(
            count / seconds, api / count * 1e3, database / count * 1e3, (background_now - background) / count * 1e3
        )
    return out


def _sum(before: Figures | None, new: Figures) -> Figures:
    """Means over the batches: added up here, divided when printed."""
    return new if before is None else Figures(*(a + b for a, b in zip(before, new, strict=True)))


def _print(results: dict[str, dict[str, Figures]]) -> None:
    console = Console(width=120)
    for kind, by_server in results.items():
        table = Table(title=f"{kind}, {CLIENTS} clients", title_justify="left")
        for column in (
            "server",
            "per second",
            "API CPU ms",
            "Postgres CPU ms",
            "sequencer+readers CPU ms",
            "API CPU of",
        ):
            table.add_column(column, justify="left" if column == "server" else "right")
        ours = by_server["WOaaS"].api_ms
        for name, sums in by_server.items():
            f = Figures(*(v / BATCHES for v in sums))
            ratio = "" if name == "WOaaS" else f"{ours / sums.api_ms:.2f} x this floor"
            table.add_row(name, f"{f.per_second:.1f}", f"{f.api_ms:.3f}", f"{f.postgres_ms:.3f}",
                          f"{f.background_ms:.3f}", ratio)  # fmt: skip
        console.print(table)


async def _newest(server: Server) -> str:
    async with Connection(server.port, server.paths.headers) as connection:
        return str((await connection.call("GET", server.paths.orders))["data"][0]["id"])


async def _warm(server: Server) -> None:
    await run(server.port, server.paths, lifecycle, clients=CLIENTS, count=60)
    await run(server.port, server.paths, _list, clients=CLIENTS, count=40)


async def _tenant(settings: Settings) -> str:
    database = await Database.connect(settings.database_url, role=APP, size=1)
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    async with database.unit_of_work() as uow:
        await create_tenant(uow, NewTenant("Bench", uuid7(), livemode=True))
        _, key = await authenticator.create_key(uow, name="bench", roles=["owner"])
    await database.close()
    return key


async def _floor_database(dsn: str) -> str:
    """The same tables and indexes, without policies, triggers or roles."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE DATABASE floor")
    await connection.close()
    floor = with_database(dsn, "floor")
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    engine = create_async_engine(floor.replace("postgresql://", "postgresql+asyncpg://"))
    tables = [metadata.tables[t] for t in ("work_orders", "operations", "number_counters")]
    async with engine.begin() as opened:
        await opened.run_sync(metadata.create_all, tables=tables)
    await engine.dispose()
    return floor


@contextmanager
def _ours(settings: Settings, key: str) -> Iterator[Server]:
    port = free_port()
    environment = {
        **os.environ,
        "WOAAS_HOME": str(settings.home),
        "WOAAS_DATABASE_URL": settings.database_url,
        "WOAAS_PORT": str(port),
        "WOAAS_RATE_LIMIT_PER_MINUTE": "10000000",
    }
    command = [str(Path(sys.executable).with_name("woaas-server"))]
    with (
        process([*command, "background"], environment) as background,
        process([*command, "serve"], environment, port) as api,
    ):
        headers = {"Authorization": f"Bearer {key}"}
        yield Server("WOaaS", port, Paths("/v1/work-orders", "/v1/operations", headers), api, (background,))


@contextmanager
def _floor(module: str, dsn: str) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.floors.{module}:create_app", "--factory", "--port",
               str(port), "--log-level", "warning", "--no-access-log"]  # fmt: skip
    with process(command, {**os.environ, "BENCH_DSN": dsn}, port) as pid:
        name = {"orm_app": "floor: ORM", "raw_app": "floor: asyncpg"}[module]
        yield Server(name, port, Paths("/orders", "/operations", {}), pid, ())


def _postmaster(home: Path) -> int:
    return int(next(home.rglob("postmaster.pid")).read_text().split()[0])


if __name__ == "__main__":
    main()
