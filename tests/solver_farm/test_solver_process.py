"""The solver process with its own Ray, killed outright: nothing of it stays, and the run still ends once."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import msgspec
import psutil
import pytest
from fixtures.app import Tenant, World
from fixtures.database import fetch
from fixtures.farm import farm
from fixtures.long_problem import long_problem

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

AGENTS = {"ray::DashboardAgent", "ray::RuntimeEnvAgent"}
SOLVER = """
import asyncio, sys
from pathlib import Path
from woaas_core.settings import Settings
from woaas_solver_farm.farm.process import run_solver
settings = Settings.load({}, home=Path(sys.argv[1]), database_url=sys.argv[2], secret_key="test" * 8)
asyncio.run(run_solver(settings, asyncio.Event()))
"""


@pytest.fixture
def solver(world: World) -> Iterator[subprocess.Popen[bytes]]:
    """``woaas-server solver`` on the test's database."""
    with tempfile.TemporaryDirectory(prefix="wr") as home:
        command = [sys.executable, "-c", SOLVER, home, world.settings.database_url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield process
        process.kill()
        process.wait()


async def test_a_killed_solver_leaves_one_result_and_no_process(
    world: World, factory: Tenant, solver: subprocess.Popen[bytes]
) -> None:
    async with factory.client() as client:
        problem = msgspec.to_builtins(long_problem(5))
        place = (await client.post("/v1/solve", json=problem)).headers["location"]
        while (run := (await client.get(place)).json())["status"] != "feasible":
            assert run["status"] in ("queued", "solving"), run
            await asyncio.sleep(0.05)
        # Two idle agents try for a minute, in Ray's own code, to tell of the loss to a head that is gone.
        family = [p for p in psutil.Process(solver.pid).children(recursive=True) if p.name() not in AGENTS]
        solver.kill()
        solver.wait()
        assert {"gcs_server", "raylet"} < {p.name() for p in family}
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=180)
        assert alive == [], "Ray outlived the solver"
        # Rather than wait for the lease to run out.
        expire = "UPDATE schedule_runs SET lease_until = now() - interval '1 second' RETURNING best IS NOT NULL"
        assert await asyncio.to_thread(fetch, world.settings.database_url, expire) == [(True,)]
        await farm(world.db).run_once()
        run = (await client.get(place)).json()
        assert (run["status"], run["attempt"]) == ("finished", 2)
        objectives = [i["objective"] for i in run["incumbents"]]
        assert run["objective"] <= objectives[0]
        await world.settle(factory, only=())
        assert len((await client.get("/v1/events?type=schedule_run.finished")).json()["data"]) == 1
