"""What the entries cost a server's requests: orders from creation to completion, with the log and without it."""

import os
import statistics
import sys
from typing import NamedTuple
from uuid import UUID

from benchmarks.audit.world import ORIGIN, SECRET, World
from benchmarks.cpu import cpu_seconds, postgres_seconds
from benchmarks.load import Paths, lifecycle, run
from benchmarks.processes import free_port, process
from woaas_core.db.statements import Statement

CLIENTS = 8
_ROUNDS, _ORDERS = 24, 24
_SIZE = Statement.text("SELECT size FROM log_head WHERE tenant_id = $1", "tenant_id")


class Served(NamedTuple):
    """Requests a second without the log and with it, processor milliseconds of API and database for one, entries/s."""

    plain: float
    audited: float
    plain_ms: float
    audited_ms: float
    entries: float


async def measure(here: World, tenant: UUID) -> Served:
    """Both servers run all the while and are asked in turns."""
    async with here.database.unit_of_work() as uow:
        await here.authenticator.as_system(uow, tenant, "bench")
        _, key = await here.authenticator.create_key(uow, name="bench", roles=["owner"])
    before = await _size(here, tenant)
    paths = Paths("/v1/work-orders", "/v1/operations", {"Authorization": f"Bearer {key}"}, keyed=True)
    environment = os.environ | {
        "WOAAS_HOME": str(here.home / "woaas"),
        "WOAAS_DATABASE_URL": here.dsn,
        "WOAAS_SECRET_KEY": SECRET,
        "WOAAS_AUDIT_ORIGIN": ORIGIN,
        "WOAAS_RATE_LIMIT_PER_MINUTE": "10000000",
        "WOAAS_TENANT_RATE_LIMIT_PER_MINUTE": "10000000",
    }
    ports = [free_port(), free_port()]
    python = [sys.executable, "-m"]
    with (
        process([*python, "benchmarks.audit.unaudited", "serve"], environment | _at(ports[0]), ports[0]) as plain_pid,
        process([*python, "woaas_infra", "serve"], environment | _at(ports[1]), ports[1]) as pid,
    ):
        pids = (plain_pid, pid)
        seconds: list[list[float]] = [[], []]
        used: list[list[float]] = [[], []]
        for port in ports:
            await run(port, paths, lifecycle, clients=CLIENTS, count=2 * CLIENTS)
        for turn in range(_ROUNDS):
            for server in (0, 1) if turn % 2 else (1, 0):
                began = cpu_seconds(pids[server]) + postgres_seconds(here.postmaster)
                seconds[server].append(await run(ports[server], paths, lifecycle, clients=CLIENTS, count=_ORDERS))
                used[server].append(cpu_seconds(pids[server]) + postgres_seconds(here.postmaster) - began)
    # Putting them in order is no part of the requests, and is measured by itself.
    with here.sequencing():
        await here.drained()
    made = (await _size(here, tenant) - before) * _ROUNDS * _ORDERS / (_ROUNDS * _ORDERS + 2 * CLIENTS)
    requests = _ORDERS * 11
    rates = (requests / statistics.median(times) for times in seconds)
    costs = (statistics.median(times) / requests * 1e3 for times in used)
    return Served(*rates, *costs, made / sum(seconds[1]))


def _at(port: int) -> dict[str, str]:
    return {"WOAAS_PORT": str(port)}


async def _size(here: World, tenant: UUID) -> int:
    async with here.database.unit_of_work() as uow:
        await here.authenticator.as_system(uow, tenant, "bench")
        return int(await uow.value(_SIZE, tenant_id=tenant) or 0)
