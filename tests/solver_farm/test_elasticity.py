"""The farm on a cluster that grows with the queue, loses a node and shrinks again: real Ray nodes on this machine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.long_problem import long_problem
from fixtures.ray_nodes import NodeScaler, cluster_without_nodes, home_of
from httpx import AsyncClient

from woaas_core.settings import Settings
from woaas_solver_farm.farm.actors import RayExecutor
from woaas_solver_farm.farm.attempt import Pace
from woaas_solver_farm.farm.dispatcher import Dispatcher
from woaas_solver_farm.farm.scaling import Target

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATIENCE_S = 120


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    """Only a head."""
    with cluster_without_nodes(Settings.load({}, home=tmp_path, secret_key="test" * 8)) as made:
        yield made


async def runs(client: AsyncClient, places: list[str]) -> list[dict[str, Any]]:
    return [(await client.get(place)).json() for place in places]


async def until(client: AsyncClient, places: list[str], *statuses: str) -> list[dict[str, Any]]:
    """Wait until the runs, in any order, have these statuses."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await runs(client, places)
            if sorted(r["status"] for r in found) == sorted(statuses):
                return found
            await asyncio.sleep(0.1)


async def lost_one(client: AsyncClient, places: list[str]) -> tuple[str, dict[str, Any]]:
    """The run whose worker was lost, with what it has."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for place, run in zip(places, await runs(client, places), strict=True):
                if run["status"] == "queued" or run["attempt"] > 1:
                    return place, run
            await asyncio.sleep(0.1)


async def test_nodes_come_with_the_queue_and_a_lost_one_costs_no_run(
    world: World, factory: Tenant, cluster: Any, tmp_path: Path
) -> None:
    executor = RayExecutor(home_of(tmp_path, cluster.address), places=2, threads=1)
    scaler = NodeScaler(executor, cluster, Target(most=2))
    dispatcher = Dispatcher(world.db, executor, scaler, threads=1, pace=Pace(scale_s=0.2))
    stop = asyncio.Event()
    async with factory.client() as client, asyncio.TaskGroup() as group:
        group.create_task(dispatcher.run(stop))
        places = []
        for seconds in (290, 300):
            body = msgspec.to_builtins(long_problem(seconds))
            places.append((await client.post("/v1/solve", json=body)).headers["location"])
        await until(client, places, "feasible", "feasible")
        assert len(cluster.worker_nodes) == 2

        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        # It waits in the queue, or has been claimed again before Ray noticed that the node is gone.
        hit, found = await lost_one(client, places)
        (survivor,) = {*places} - {hit}

        await client.post(f"{survivor}/stop")
        await until(client, [survivor], "stopped")
        await until(client, [hit], "feasible")
        async with asyncio.timeout(PATIENCE_S):
            while (again := (await client.get(hit)).json())["attempt"] < 2:  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.1)
        await client.post(f"{hit}/stop")
        await until(client, places, "stopped", "stopped")
        assert again["objective"] <= found["objective"]

        async with asyncio.timeout(PATIENCE_S):
            while cluster.worker_nodes:  # noqa: ASYNC110 - the dispatcher sends them away
                await asyncio.sleep(0.1)
        stop.set()
    assert max(scaler.wishes) == 2
    assert scaler.wishes[-1] == 0
    async with factory.client() as client:
        await world.settle(factory, only=())
        assert len((await client.get("/v1/events?type=schedule_run.stopped")).json()["data"]) == 2
        assert all(r["result"]["accepted"] for r in await runs(client, places))
