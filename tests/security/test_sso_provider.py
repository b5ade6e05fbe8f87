"""A certified OpenID provider that we did not write (oidc-provider, on Node.js) signs people in, as it comes."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fixtures.app import World
from fixtures.console import browser
from fixtures.npm import line, running
from fixtures.providers import connect, depart, open_loopback, redirect_of
from httpx import AsyncClient

from woaas_api.edge import SESSION_COOKIE

pytestmark = pytest.mark.anyio
PROJECT = Path(__file__).with_name("identity_provider")


@pytest.fixture
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[asyncio.subprocess.Process]:
    """The provider's process."""
    async with running(PROJECT, tmp_path_factory) as started:
        yield started


async def sign_in_there(location: str, person: str) -> str:
    """What somebody does at the provider: sign in and consent on its own pages; where it sends him back to."""
    parts = urlsplit(location)
    async with AsyncClient(base_url=f"{parts.scheme}://{parts.netloc}") as client:
        answer = await client.get(location)
        for fields in ({"prompt": "login", "login": person, "password": "x"}, {"prompt": "consent"}):
            page = await client.get(answer.headers["location"])
            action = re.search(r'action="([^"]+)"', page.text)
            assert action, page.text
            answer = await client.post(action[1], data=fields)
            answer = await client.get(answer.headers["location"])
    return answer.headers["location"]


async def test_it_signs_in_whom_it_may_vouch_for(world: World, node: asyncio.subprocess.Process) -> None:
    issuer = await line(node)
    await open_loopback(world)
    house = await world.tenant()
    connection = await connect(house, issuer)
    assert node.stdin
    node.stdin.write(f"{connection['redirect_uri']}\n".encode())
    assert await line(node) == "ready"
    for who, gets_in in (("ann", True), ("ann", True), ("bob", False), ("eve", False)):
        async with browser(house) as client:
            location = await depart(client, connection)
            assert redirect_of(location) == connection["redirect_uri"]
            back = urlsplit(await sign_in_there(location, who))
            answer = await client.get(f"{back.path}?{back.query}")
            assert (SESSION_COOKIE in client.cookies) == gets_in, answer.text
    async with house.client() as api:
        found = (await api.get("/v1/members")).json()["data"]
    assert [(m["email"], m["name"], m["roles"]) for m in found] == [("ann@factory.example", "Ann", ["operator"])]
