"""A tenant's burst takes half the connections at most: others are answered while all that he asked for still waits."""

import asyncio

import pytest
from fixtures.app import Tenant, World

from woaas_api.room import Room

pytestmark = pytest.mark.anyio
BURST = 30
# Half of the eight connections that the world of a test has.
ROOM = 4
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def test_others_are_answered_while_a_burst_waits(world: World, factory: Tenant) -> None:
    other = await world.tenant("Other Works")
    async with factory.client() as busy, other.client() as client:
        order = (await busy.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
        assert (await client.get("/v1/me")).status_code == 200
        async with world.sequencer_db.pool.acquire() as connection:
            await connection.execute("BEGIN; SET LOCAL ROLE postgres; LOCK TABLE work_orders IN EXCLUSIVE MODE")
            burst = [asyncio.create_task(busy.post(f"/v1/work-orders/{order['id']}/release")) for _ in range(BURST)]
            async with asyncio.timeout(60):
                while await connection.fetchval(WAITING) < ROOM:  # noqa: ASYNC110 - no event tells of a lock
                    await asyncio.sleep(0.01)
                answers = [await client.get("/v1/me") for _ in range(BURST)]
            assert {a.status_code for a in answers} == {200}
            assert not any(task.done() for task in burst)
            await connection.execute("ROLLBACK")
        done = [(await task).status_code for task in burst]
    assert sorted(done) == [200, *[409] * (BURST - 1)]


async def test_there_is_room_again_when_one_has_failed_or_given_up() -> None:
    room = Room(1)
    with pytest.raises(ZeroDivisionError):
        async with room.of("a"):
            raise ZeroDivisionError
    async with room.of("a"):
        waiting = asyncio.create_task(_enter(room))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with room.of("b"), room.of(None), room.of(None):
            pass
    async with asyncio.timeout(20), room.of("a"):
        pass
    assert room._lines == {}


async def _enter(room: Room) -> None:
    async with room.of("a"):
        pass
