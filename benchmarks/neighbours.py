"""Who feels a flood: one tenant lists orders steadily, alone and beside one who asks ten times what he may.

The server and each client are processes of their own. A request's time begins when it was due, whether or not a
connection was free then (no coordinated omission).
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.cpu import cpu_seconds
from benchmarks.load import ORDER, Connection
from benchmarks.processes import free_port, process
from woaas_core.db.database import Database
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

_PER_MINUTE, _FLOOD_PER_S, _STEADY_PER_S = 1_200, 200, 15
SECONDS = int(os.environ.get("WOAAS_BENCH_SECONDS", "30"))
_CONNECTIONS, _ORDERS = 64, 50
_PATH = "/v1/work-orders?limit=50"


class Asked(NamedTuple):
    """What one client saw: milliseconds at the median and the 99th percentile, requests sent and answered with 200."""

    median_ms: float
    p99_ms: float
    sent: int
    admitted: int


class Neighbours(NamedTuple):
    """The steady one alone and beside the flood, the flood, and processor time of the server a second of each."""

    alone: Asked
    beside: Asked
    flood: Asked
    alone_cpu: float
    beside_cpu: float


def measure() -> Neighbours:
    """All of it, on a server of its own."""
    home = Path(tempfile.mkdtemp(prefix="woaas-bench-"))
    postgres = EmbeddedPostgres(home, durable=False)
    try:
        dsn = asyncio.run(ensure_database(postgres.start(), "woaas"))
        upgrade(dsn)
        settings = Settings.load({}, home=home, database_url=dsn)
        steady, noisy = asyncio.run(_keys(settings))
        port = free_port()
        environment = os.environ | {
            "WOAAS_DATABASE_URL": dsn,
            "WOAAS_HOME": str(home),
            "WOAAS_TENANT_RATE_LIMIT_PER_MINUTE": str(_PER_MINUTE),
            "WOAAS_PORT": str(port),
        }
        with process([sys.executable, "-m", "woaas_infra", "serve"], environment, port) as pid:
            asyncio.run(_fill(port, (steady, noisy)))
            # The burst that a full budget allows is over before it counts.
            asyncio.run(_spend(port, noisy))
            return _both(port, pid, steady, noisy)
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def _both(port: int, pid: int, steady: str, noisy: str) -> Neighbours:
    began = cpu_seconds(pid)
    alone = _result(_client(port, steady, _STEADY_PER_S))
    between = cpu_seconds(pid)
    asyncio.run(_spend(port, noisy))
    before = cpu_seconds(pid)
    flood, one = _client(port, noisy, _FLOOD_PER_S), _client(port, steady, _STEADY_PER_S)
    beside, flooded = _result(one), _result(flood)
    return Neighbours(
        alone, beside, flooded, (between - began) / SECONDS, (cpu_seconds(pid) - before) / SECONDS
    )  # fmt: skip


async def _keys(settings: Settings) -> list[str]:
    database = await Database.connect(settings.database_url or "", role=APP, size=1)
    keys = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    found = []
    for _ in range(2):
        async with database.unit_of_work() as uow:
            await create_tenant(uow, NewTenant("Bench", uuid7(), livemode=True))
            found.append((await keys.create_key(uow, name="owner", roles=["owner"]))[1])
    await database.close()
    return found


async def _fill(port: int, keys: tuple[str, ...]) -> None:
    for key in keys:
        async with Connection(port, {"Authorization": f"Bearer {key}"}) as connection:
            items = [{"key": str(n), "work_order": ORDER} for n in range(_ORDERS)]
            await connection.call("POST", "/v1/work-orders/batch", {"items": items})


async def _spend(port: int, key: str) -> None:
    async with Connection(port, {"Authorization": f"Bearer {key}"}) as connection:
        while (await connection.ask("GET", "/v1/me"))[0] == 200:
            pass


def _client(port: int, key: str, per_s: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", __name__, str(port), key, str(per_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _result(client: subprocess.Popen[str]) -> Asked:
    out, _ = client.communicate()
    return Asked(*json.loads(out))


async def _ask(port: int, key: str, per_s: int) -> Asked:
    """Ask at a rate whatever the answers take."""
    times: list[float] = []
    admitted = 0
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()

    async def opened() -> Connection:
        return await Connection(port, {"Authorization": f"Bearer {key}"}).__aenter__()

    for _ in range(_CONNECTIONS):
        free.put_nowait(await opened())

    async def once(due: float) -> None:
        nonlocal admitted
        connection = await free.get()
        try:
            status, _ = await connection.ask("GET", _PATH)
        except (asyncio.IncompleteReadError, ConnectionError):  # it was idle for so long that the server closed it
            connection = await opened()
            status, _ = await connection.ask("GET", _PATH)
        free.put_nowait(connection)
        admitted += status == 200
        times.append((time.perf_counter() - due) * 1e3)

    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for turn in range(per_s * SECONDS):
            due = began + turn / per_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(once(due))
    times.sort()
    return Asked(times[len(times) // 2], times[len(times) * 99 // 100], len(times), admitted)


if __name__ == "__main__":
    asked = asyncio.run(_ask(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
    sys.stdout.write(json.dumps(asked))
