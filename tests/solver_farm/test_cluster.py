"""The farm on a Ray cluster that is not its own: it joins, solves there, and leaves the cluster as it found it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from fixtures.app import Tenant, World
from fixtures.long_problem import long_problem
from httpx import AsyncClient

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SOLVER = """
import asyncio, sys
from pathlib import Path
from woaas_core.settings import Settings
from woaas_solver_farm.farm.process import run_solver
home, dsn, address = sys.argv[1:]
settings = Settings.load({}, home=Path(home), database_url=dsn, secret_key="test" * 8, ray_address=address)
asyncio.run(run_solver(settings, asyncio.Event()))
"""


@pytest.fixture
def environment() -> dict[str, str]:
    """What the operator of a cluster gives its head and whoever joins it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    return {
        **kept,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "cluster" * 8,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


@pytest.fixture
def head(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """A Ray head with two CPUs, started as an operator does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="rc") as place:
        command = [
            *(str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--num-cpus=2"),
            *(f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false", f"--temp-dir={place}"),
            "--object-store-memory=100000000",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        try:
            yield f"127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            for left in psutil.wait_procs(family, timeout=30)[1]:
                left.kill()


async def becomes(client: AsyncClient, place: str, status: str) -> None:
    while (await client.get(place)).json()["status"] != status:  # noqa: ASYNC110 - it is in the database
        await asyncio.sleep(0.1)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_solve_runs_on_the_cluster_and_leaves_it_standing(
    world: World, factory: Tenant, environment: dict[str, str], head: tuple[str, psutil.Process]
) -> None:
    address, process = head
    async with asyncio.timeout(180):
        while not listens(int(address.rpartition(":")[2])):  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.1)
    with tempfile.TemporaryDirectory(prefix="wr") as home:
        command = [sys.executable, "-c", SOLVER, home, world.settings.database_url, address]
        solver = await asyncio.create_subprocess_exec(*command, env=environment)
        try:
            async with factory.client() as client, asyncio.timeout(240):
                body = msgspec.to_builtins(long_problem())
                place = (await client.post("/v1/solve", json=body)).headers["location"]
                await becomes(client, place, "feasible")
                of_solver = {p.pid for p in psutil.Process(solver.pid).children(recursive=True)}
                of_cluster = process.children(recursive=True)
                assert any("SolverActor" in " ".join(p.cmdline()) for p in of_cluster)
                assert not of_solver & {p.pid for p in of_cluster}
                await client.post(f"{place}/stop")
                await becomes(client, place, "stopped")
        finally:
            solver.kill()
            await solver.wait()
        assert process.is_running()
        assert {"gcs_server", "raylet"} <= {p.name() for p in process.children(recursive=True)}
