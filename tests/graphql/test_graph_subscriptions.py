"""Subscriptions follow the log over graphql-transport-ws, for as long as the key holds."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fixtures.live_app import LiveApp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.anyio
PROTOCOL: Any = "graphql-transport-ws"
ORDER = {"product": "P", "quantity": "1"}
FOLLOW = 'subscription { events(types: ["work_order.created"]) { type subject } }'


def socket(app: LiveApp) -> connect:
    return connect(app.url.replace("http", "ws") + "/graphql", subprotocols=[PROTOCOL])


async def say(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def hear(connection: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await connection.recv())
    return found


async def hear_soon(connection: ClientConnection) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(1):
            return await hear(connection)
    except TimeoutError:
        return None


async def introduce(connection: ClientConnection, app: LiveApp, role: str = "owner") -> None:
    await say(connection, type="connection_init", payload=app.headers(role))
    assert await hear(connection) == {"type": "connection_ack"}


class TestSubscriptions:
    async def test_a_new_event_arrives(self, live_app: LiveApp) -> None:
        async with socket(live_app) as connection:
            await introduce(connection, live_app)
            await say(connection, type="ping", payload={"n": 1})
            assert await hear(connection) == {"type": "pong", "payload": {"n": 1}}
            await say(connection, type="subscribe", id="a", payload={"query": FOLLOW, "variables": None})
            made: set[str] = set()
            heard = None
            async with httpx.AsyncClient(base_url=live_app.url, headers=live_app.headers()) as client:
                # It follows from the moment of its first look on, which is not announced.
                while heard is None:
                    made.add((await client.post("/v1/work-orders", json=ORDER)).json()["id"])
                    heard = await hear_soon(connection)
            assert heard["type"] == "next"
            assert heard["id"] == "a"
            event = heard["payload"]["data"]["events"]
            assert event["type"] == "work_order.created"
            assert event["subject"] in made
            await say(connection, type="complete", id="a")

    async def test_from_a_cursor_what_was_missed_comes_first(self, live_app: LiveApp) -> None:
        async with httpx.AsyncClient(base_url=live_app.url, headers=live_app.headers()) as client:
            before = await client.post("/v1/work-orders", json=ORDER)
            cursor, page = None, None
            after = {"Woaas-After": before.headers["woaas-event-id"]}
            while page is None or page["next_cursor"]:
                asked = await client.get("/v1/events", params={"cursor": cursor} if cursor else {}, headers=after)
                if asked.status_code == 503:  # the sequencer is not there yet
                    continue
                page = asked.json()
                cursor = page["resume_cursor"]
            made = await client.post("/v1/work-orders", json=ORDER)
        query = 'subscription ($c: String) { events(after: $c, types: ["work_order.created"]) { subject } }'
        async with socket(live_app) as connection:
            await introduce(connection, live_app)
            await say(connection, type="subscribe", id="a", payload={"query": query, "variables": {"c": cursor}})
            found = await hear(connection)
        assert found["payload"]["data"]["events"]["subject"] == made.json()["id"]

    async def test_a_run_is_followed_to_its_end(self, live_app: LiveApp) -> None:
        query = "subscription ($r: ID!) { scheduleRun(id: $r) { status schedule { id } } }"
        async with httpx.AsyncClient(base_url=live_app.url, headers=live_app.headers()) as client:
            run = (await client.post("/v1/schedule-runs", json={})).json()["id"]
            async with socket(live_app) as connection:
                await introduce(connection, live_app)
                await say(connection, type="subscribe", id="a", payload={"query": query, "variables": {"r": run}})
                first = await hear(connection)
                await client.post(f"/v1/schedule-runs/{run}/stop")
                last = await hear(connection)
                assert await hear(connection) == {"type": "complete", "id": "a"}
        shown = [m["payload"]["data"]["scheduleRun"] for m in (first, last)]
        assert shown == [{"status": s, "schedule": None} for s in ("queued", "stopped")]

    async def test_a_run_of_nobodys_is_not_there(self, live_app: LiveApp) -> None:
        query = 'subscription { scheduleRun(id: "run_nothing") { id } }'
        async with socket(live_app) as connection:
            await introduce(connection, live_app)
            await say(connection, type="subscribe", id="a", payload={"query": query})
            assert (await hear(connection))["payload"][0]["extensions"]["code"] == "not_found"

    async def test_who_may_not_read_events_is_told_so(self, live_app: LiveApp) -> None:
        async with socket(live_app) as connection:
            await introduce(connection, live_app, "operator")
            await say(connection, type="subscribe", id="a", payload={"query": FOLLOW})
            found = await hear(connection)
            assert found["type"] == "error"
            assert found["payload"][0]["extensions"]["code"] == "forbidden"
            await say(connection, type="subscribe", id="b", payload={"query": "subscription { nonsense }"})
            assert (await hear(connection))["payload"][0]["extensions"]["code"] == "malformed"

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ({"type": "connection_init", "payload": {"Authorization": "Bearer wrong"}}, 4403),
            ({"type": "connection_init"}, 4403),
            ({"type": "subscribe", "id": "a", "payload": {"query": FOLLOW}}, 4401),
            ({"nonsense": 1}, 4400),
        ],
    )
    async def test_strangers_are_shown_the_door(self, live_app: LiveApp, message: dict[str, Any], code: int) -> None:
        async with socket(live_app) as connection:
            await say(connection, **message)
            with pytest.raises(ConnectionClosed) as closed:
                await hear(connection)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code

    async def test_the_same_id_twice_ends_the_conversation(self, live_app: LiveApp) -> None:
        async with socket(live_app) as connection:
            await introduce(connection, live_app)
            for _ in range(2):
                await say(connection, type="subscribe", id="a", payload={"query": FOLLOW})
            with pytest.raises(ConnectionClosed) as closed:
                await hear(connection)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4409
