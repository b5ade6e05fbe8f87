"""The farm as a whole: start and memory, kills, stops, progress, waits of small tenants, memory of a big solve.

A real Postgres, `woaas-server serve` as a process of its own, the dispatcher in this one with its embedded Ray. A
lag is counted from when a better plan reaches the dispatcher to when a client has it from the event stream.
"""

import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import psutil

from benchmarks.processes import free_port, process
from benchmarks.solver.tables import show
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import decode_id, uuid7
from woaas_core.settings import Settings
from woaas_infra.migrate import upgrade
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ensure_database
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_security.tenants.service import NewTenant
from woaas_security.tenants.service import create as create_tenant
from woaas_solver_farm import problem as problems
from woaas_solver_farm import result as results
from woaas_solver_farm.engine.solve import solve
from woaas_solver_farm.farm.actors import RayExecutor
from woaas_solver_farm.farm.dispatcher import Dispatcher
from woaas_solver_farm.farm.executor import Better, Done, Executor, Message, Solving, Task
from woaas_solver_farm.farm.scaling import FixedPool
from woaas_solver_farm.generator import Shape, generate
from woaas_solver_farm.problem import Job, Limits, Machine, Mode, Operation, Problem

PLACES = 3
KILLS = 20
STOPS = 20
SMALL_TENANTS = 9
NAP_S = 2.0
BIG_TENANTS_RUNS = 100
MB = 1 << 20


class Listening:
    """A worker's messages, noted with the time they came in."""

    def __init__(self, solving: Solving, heard: dict[float, float]) -> None:
        self._solving = solving
        self._heard = heard
        self.stop = solving.stop
        self.kill = solving.kill

    async def messages(self) -> AsyncIterator[Message]:
        """What the worker says."""
        async for message in self._solving.messages():
            if isinstance(message, Better):
                self._heard.setdefault(message.incumbents[-1][1], time.perf_counter())
            yield message


class Napping:
    """A solve of two seconds that needs no processor: it shows the queue alone."""

    def __init__(self, task: Task) -> None:
        problem = problems.decode(task.problem)
        self._result = results.encode(solve(problem, Limits(iterations=1)))

    async def messages(self) -> AsyncIterator[Message]:
        """The plan, after a nap."""
        await asyncio.sleep(NAP_S)
        yield Done(self._result, NAP_S)

    async def stop(self) -> None:
        """It ends soon anyway."""

    async def kill(self) -> None:
        """Nothing to kill."""


class NappingExecutor:
    """Workers that are always there."""

    async def start(self, task: Task) -> Napping:
        """At once."""
        return Napping(task)

    async def rest(self) -> None:
        """Nothing to end."""

    async def close(self) -> None:
        """Nothing to end."""


class ListeningExecutor(RayExecutor):
    """Ray, with an ear on what it says."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, places=PLACES, threads=1)
        self.heard: dict[str, dict[float, float]] = {}

    async def start(self, task: Task) -> Any:
        """The task, listened to."""
        return Listening(await super().start(task), self.heard.setdefault(task.key, {}))


@dataclass
class Farm:
    """What is measured."""

    url: str
    dsn: str
    database: Database
    authenticator: Authenticator
    executor: Any

    async def client(self, name: str) -> httpx.AsyncClient:
        """A client of a new tenant."""
        async with self.database.unit_of_work() as uow:
            await create_tenant(uow, NewTenant(name, uuid7(), livemode=True))
            _, key = await self.authenticator.create_key(uow, name="bench", roles=["owner"])
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


@asynccontextmanager
async def working(settings: Settings, url: str, executor: Executor) -> AsyncIterator[Farm]:
    """A dispatcher at work beside the server."""
    database = await Database.connect(settings.database_url, role=APP, size=2 * PLACES + 2)
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    stop = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(Dispatcher(database, executor, FixedPool(PLACES), threads=1).run(stop))
            yield Farm(url, settings.database_url, database, authenticator, executor)
            stop.set()
    finally:
        await database.close()


async def started(farm: Farm) -> None:
    """Time to the first plan with and without Ray already there, and the memory while idle."""
    async with await farm.client("First") as client:
        cold = await _first_plan(client)
        warm = await _first_plan(client)
    await asyncio.sleep(5)
    family = psutil.Process().children(recursive=True)
    pss: dict[str, float] = {}
    for member in family:
        with suppress(psutil.Error):
            if "postgres" not in member.name() and "woaas-server" not in " ".join(member.cmdline()):
                pss[member.name()] = pss.get(member.name(), 0) + member.memory_full_info().pss / MB
    show(
        "Start and memory of the embedded Ray",
        ["figure", "value"],
        [
            ["first run of a fresh farm: seconds to its first plan", cold],
            ["next run of the same tenant", warm],
            *[[f"PSS MB, idle: {name}", value] for name, value in sorted(pss.items())],
            ["PSS MB, idle: all", sum(pss.values())],
        ],
    )


async def _first_plan(client: httpx.AsyncClient) -> float:
    began = time.perf_counter()
    place = await _solve(client, _hard(30))
    await _until(client, place, "feasible")
    seconds = time.perf_counter() - began
    await client.post(f"{place}/stop")
    await _until(client, place, "stopped")
    return seconds


async def stopped(farm: Farm) -> None:
    """From the request to stop to the end with a plan; and how late progress is heard."""
    took: list[float] = []
    lags: list[float] = []
    async with await farm.client("Stops") as client:
        for n in range(STOPS):
            place = await _solve(client, _hard(60, seed=n))
            following = asyncio.create_task(_follow(farm, client, place, lags))
            await _until(client, place, "feasible")
            await asyncio.sleep(random.random() * 2)
            asked = time.perf_counter()
            await client.post(f"{place}/stop")
            run = await _until(client, place, "stopped", every_s=0.005)
            took.append(time.perf_counter() - asked)
            assert run["result"]["accepted"]
            await following
    show(
        "Stops and progress",
        ["figure", "n", "median s", "p95 s", "largest s"],
        [["stop kept its best plan after", len(took), *_spread(took)], ["progress lag", len(lags), *_spread(lags)]],
    )


async def _follow(farm: Farm, client: httpx.AsyncClient, place: str, lags: list[float]) -> None:
    run_id = place.rpartition("/")[2]
    seen: set[float] = set()
    async with client.stream("GET", f"/v1/schedule-runs/{run_id}/events") as response:
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                now = time.perf_counter()
                run = msgspec.json.decode(line.removeprefix("data: "))
                heard = farm.executor.heard.get(str(decode_id("run", run_id)), {})
                if run["incumbents"]:
                    last = run["incumbents"][-1]["objective"]
                    if last in heard and last not in seen:
                        seen.add(last)
                        lags.append(now - heard[last])


async def killed(farm: Farm) -> None:
    """Workers killed at random while runs are solved; each ends once."""
    async with await farm.client("Kills") as client:
        places = [await _solve(client, _hard(5, seed=n)) for n in range(KILLS)]
        began, kills = time.perf_counter(), 0
        ends: list[dict[str, Any]] = []
        while len(ends) < len(places):
            await asyncio.sleep(random.uniform(2, 12))
            victims = [p.pid for p in psutil.Process().children(recursive=True) if "SolverActor.solve" in p.name()]
            if victims and kills < KILLS:
                os.kill(random.choice(victims), signal.SIGKILL)
                kills += 1
            runs = [(await client.get(p)).json() for p in places]
            ends = [r for r in runs if r["finished_at"]]
        seconds = time.perf_counter() - began
    connection = await asyncpg.connect(farm.dsn)
    counts = await connection.fetch(
        "SELECT count(*) AS n FROM event WHERE subject = ANY($1) AND type = ANY($2) GROUP BY subject",
        [r["id"] for r in ends],
        ["schedule_run.finished", "schedule_run.stopped", "schedule_run.failed"],
    )
    await connection.close()
    show(
        "Workers killed at random",
        ["kills", "runs", "ended once", "with an accepted plan", "attempts", "seconds"],
        [
            [
                kills,
                len(places),
                sum(r["n"] == 1 for r in counts),
                sum(bool(r["result"] and r["result"]["accepted"]) for r in ends),
                sum(r["attempt"] for r in ends),
                seconds,
            ]
        ],
    )


async def waited(farm: Farm) -> None:
    """Waits of small tenants with one run each, alone and beside one with a hundred; solves take two seconds."""
    alone, beside = [], []
    for n in range(3):
        alone += await _waits(farm, f"alone {n}")
        async with await farm.client(f"Big {n}") as big:
            for seed in range(BIG_TENANTS_RUNS):
                await _solve(big, _tiny(seed))
            await asyncio.sleep(5)
            beside += await _waits(farm, f"beside {n}")
            await _drop_queue(farm)
    rows: list[list[object]] = [[name, len(w), *_spread(w)] for name, w in (("alone", alone), ("beside", beside))]
    ratio = _spread(beside)[1] / _spread(alone)[1]
    show(
        f"Waits of {SMALL_TENANTS} tenants with one run of {NAP_S:g} s, alone and beside one with {BIG_TENANTS_RUNS}",
        ["small tenants", "n", "median s", "p95 s", "largest s"],
        [*rows, ["p95 beside / alone", None, None, ratio, None]],
    )


async def _waits(farm: Farm, name: str) -> list[float]:
    clients = [await farm.client(f"{name} {n}") for n in range(SMALL_TENANTS)]
    places = [await _solve(client, _tiny(1)) for client in clients]
    ends = [await _until(c, p, "finished") for c, p in zip(clients, places, strict=True)]
    for client in clients:
        await client.aclose()
    at = [[msgspec.convert(r[m], datetime).timestamp() for m in ("created_at", "started_at")] for r in ends]
    return [begun - asked for asked, begun in at]


async def _drop_queue(farm: Farm) -> None:
    connection = await asyncpg.connect(farm.dsn)
    await connection.execute("UPDATE schedule_runs SET status = 'failed', finished_at = now() WHERE status = 'queued'")
    going = "SELECT count(*) FROM schedule_runs WHERE status IN ('solving', 'feasible')"
    while await connection.fetchval(going):  # noqa: ASYNC110 - it is in the database
        await asyncio.sleep(0.2)
    await connection.close()


async def filled(farm: Farm) -> None:
    """The largest memory of the process that solves 3,000 orders."""
    problem = generate(Shape(3000), 1)
    rows = []
    for threads in (1, 2):
        raw = problems.encode(msgspec.structs.replace(problem, limits=Limits(time_limit=30, seed=1)))
        solving = await RayExecutor.start(farm.executor, Task("big", f"Memory {threads}", raw, threads, 30))
        worker = psutil.Process(await solving.pid())
        largest, last = 0, None
        async for message in solving.messages():
            largest = max(largest, _peak(worker.pid))
            last = message
        rows.append(
            [
                threads,
                max(largest, _peak(worker.pid)) / MB,
                len(raw) / MB,
                type(last).__name__,
                last.cpu_s if last else None,
            ]
        )
    show(
        "A solve of 3,000 orders, 30 s",
        ["threads", "peak RSS MB of its process", "problem MB", "last word", "CPU s"],
        rows,
    )


def _peak(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _hard(seconds: float, seed: int = 1) -> Problem:
    """Fifty orders of the micro-factory: never proven best in this time."""
    return msgspec.structs.replace(generate(Shape(50), seed), limits=Limits(time_limit=seconds, seed=seed))


def _tiny(seed: int) -> Problem:
    """One job; with equal seeds it would be one and the same run."""
    job = Job(id="J", operations=(Operation(id="a", modes=(Mode(machine="M", duration=3),)),))
    return Problem(machines=(Machine(id="M"),), jobs=(job,), limits=Limits(time_limit=30, seed=seed))


async def _solve(client: httpx.AsyncClient, problem: Problem) -> str:
    answer = await client.post("/v1/solve", content=problems.encode(problem))
    answer.raise_for_status()
    return str(answer.headers["location"])


async def _until(client: httpx.AsyncClient, place: str, status: str, *, every_s: float = 0.05) -> dict[str, Any]:
    while True:
        run: dict[str, Any] = (await client.get(place)).json()
        if run["status"] == status or run["finished_at"]:
            assert run["status"] == status, run["error"]
            return run
        await asyncio.sleep(every_s)


def _spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile, largest."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, round(len(ordered) * 0.95))], ordered[-1]


async def _measure(settings: Settings, url: str, parts: Sequence[Callable[[Farm], Awaitable[None]]]) -> None:
    for part in parts:
        executor = NappingExecutor() if part is waited else ListeningExecutor(settings)
        async with working(settings, url, executor) as farm:
            await part(farm)


def main() -> None:
    """Measure all of it, or the parts that WOAAS_BENCH_FARM names."""
    every = {f.__name__: f for f in (started, stopped, killed, waited, filled)}
    parts = [every[n] for n in os.environ.get("WOAAS_BENCH_FARM", ",".join(every)).split(",")]
    home = Path(tempfile.mkdtemp(prefix="wf"))
    postgres = EmbeddedPostgres(home)
    try:
        dsn = asyncio.run(ensure_database(postgres.start(), "woaas"))
        upgrade(dsn)
        settings = Settings.load(home=home, database_url=dsn)
        port = free_port()
        environment = {
            **os.environ,
            "WOAAS_HOME": str(home),
            "WOAAS_DATABASE_URL": dsn,
            "WOAAS_PORT": str(port),
            "WOAAS_RATE_LIMIT_PER_MINUTE": "10000000",
        }
        command = [str(Path(sys.executable).with_name("woaas-server")), "serve"]
        with process(command, environment, port):
            asyncio.run(_measure(settings, f"http://127.0.0.1:{port}", parts))
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)
