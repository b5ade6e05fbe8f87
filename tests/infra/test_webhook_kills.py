"""A deliverer that is killed after it has posted and before it has noted so: the event comes again, under its id."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fixtures.app import Tenant, World
from fixtures.database import execute
from fixtures.killable import Killable
from fixtures.processes import PATIENCE_S
from fixtures.receivers import endpoint

pytestmark = pytest.mark.anyio


class Receiver:
    """A socket that notes the id of what it gets, and holds its answers back until it may answer."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[str] = asyncio.Queue()
        self.may_answer = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        lines = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        await reader.readexactly(int(lines["content-length"]))
        await self.got.put(lines["webhook-id"])
        await self.may_answer.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        yield made
        made.may_answer.set()


async def test_what_was_posted_and_not_noted_comes_again(
    world: World,
    factory: Tenant,
    receiver: Receiver,
    killable: Killable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks = {"WOAAS_OUTBOUND_NETWORKS": "127.0.0.1/32"}
    monkeypatch.setattr("woaas_api.rest.webhook_endpoints.checked_url", lambda *_: None)
    made = await endpoint(factory, url=receiver.url)
    async with factory.client() as client:
        await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
        await world.settle(factory)
        async with asyncio.timeout(PATIENCE_S):
            first = killable.start("worker", **networks)
            posted = await receiver.got.get()
            killable.kill(first)
            receiver.may_answer.set()
            (delivery,) = (await client.get(f"/v1/webhook-endpoints/{made['id']}/deliveries")).json()["data"]
            assert (delivery["status"], delivery["attempts"]) == ("waiting", 1)
            # The lease of the killed one ends.
            await asyncio.to_thread(execute, killable.dsn, "UPDATE webhook_deliveries SET next_attempt_at = now()")
            killable.start("worker", **networks)
            assert await receiver.got.get() == posted == delivery["event_id"]
            while delivery["status"] == "waiting":
                await asyncio.sleep(0.05)
                delivery = (await client.get(f"/v1/webhook-endpoints/{made['id']}/deliveries")).json()["data"][0]
        assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)
