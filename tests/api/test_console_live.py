"""The console's live stream: what a page is told to read again, and who is told nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fixtures.app import Tenant, World
from fixtures.console import browser, signed_in

from woaas_api.console.live import Live, _Tail
from woaas_api.edge import Edge
from woaas_security.principal import Principal

pytestmark = pytest.mark.anyio


async def follow(world: World, tenant: Tenant, *roles: str, start: int | None = None) -> AsyncIterator[str]:
    """What a stream of somebody with these roles says, line by line."""
    live = Live(Edge(world.settings, world.db))
    async with signed_in(tenant, *roles, customer="ACME") as client:
        session = client.cookies["woaas_session"]
    await world.settle(tenant)
    principal: Principal = await live._reader(session)
    async for text in live._follow(session, principal, start):
        yield text


async def until_change(stream: AsyncIterator[str]) -> str:
    async with asyncio.timeout(120):
        async for text in stream:
            if "event: change" in text:
                return text
    raise AssertionError("the stream ended")


class TestStream:
    async def test_a_change_names_its_nouns_and_no_more(self, world: World, factory: Tenant) -> None:
        await world.settle(factory)
        stream = follow(world, factory, "owner")
        assert await anext(stream) == "retry: 2000\n\n"
        change = asyncio.ensure_future(until_change(stream))
        async with factory.client() as client:
            # It follows from the moment of its first look on, which is not announced.
            while not change.done():
                await client.post("/v1/work-orders", json={"product": "SECRET", "quantity": "1"})
                await world.settle(factory)
                await asyncio.sleep(0.1)
        assert (await change).endswith("event: change\ndata: operation work_order\n\n")

    async def test_after_a_gap_everything_is_read_again(self, world: World, factory: Tenant) -> None:
        await world.settle(factory)
        assert "data: *" in await until_change(follow(world, factory, "owner", start=0))

    async def test_a_stream_begun_now_starts_with_silence(self, world: World, factory: Tenant) -> None:
        await world.settle(factory)
        live = Live(Edge(world.settings, world.db))
        live._tails[factory.id] = _Tail()
        end, nouns = await live._since(factory.id, None)
        assert end > 0
        assert nouns == []

    async def test_guests_are_not_told_how_busy_the_house_is(
        self, world: World, factory: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("woaas_api.console.live.POLL_S", 0)
        live = Live(Edge(world.settings, world.db))
        async with signed_in(factory, "customer", customer="ACME") as client:
            session = client.cookies["woaas_session"]
        stream = live._follow(session, await live._reader(session), 0)
        assert await anext(stream) == "retry: 2000\n\n"
        waiting = asyncio.ensure_future(anext(stream))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        assert live._tails[factory.id].next_index == -1  # nobody looked at the log
        waiting.cancel()

    async def test_without_a_session_there_is_none(self, factory: Tenant) -> None:
        async with browser(factory) as client:
            assert (await client.get("/console/live")).status_code == 401
