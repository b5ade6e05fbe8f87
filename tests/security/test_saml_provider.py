"""A SAML identity provider that we did not write (samlify, on Node.js) reads our metadata and signs people in."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from fixtures.app import World
from fixtures.console import browser
from fixtures.npm import line, running
from fixtures.providers import depart
from fixtures.saml import Forger, connect
from httpx import AsyncClient

from woaas_api.app import create_app
from woaas_api.edge import SESSION_COOKIE
from woaas_security.sso.saml.verifier import Verifier

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.xdist_group("saml"),
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="no xmlsec1 here (Debian's package xmlsec1)"),
]
PROJECT = Path(__file__).with_name("saml_provider")


@pytest.fixture
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[asyncio.subprocess.Process]:
    """The provider's process."""
    async with running(PROJECT, tmp_path_factory) as started:
        yield started


def identity(idp: Forger) -> bytes:
    """A key and its certificate as the provider reads them."""
    pem = idp.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps({"key": pem.decode(), "certificate": idp.certificate}).encode() + b"\n"


async def test_it_signs_in_whom_it_may_vouch_for(world: World, node: asyncio.subprocess.Process) -> None:
    origin, idp, verifier = await line(node), Forger(), Verifier()
    assert node.stdin
    node.stdin.write(identity(idp))
    assert await line(node) == "ready"
    settings = msgspec.structs.replace(world.settings, outbound_networks="127.0.0.1/32", base_url="http://woaas.test")
    world.app = await create_app(settings, database=world.db, verifier=verifier)
    house = await world.tenant()
    async with AsyncClient(base_url=origin) as provider:
        connection = await connect(house, idp, metadata=(await provider.get("/metadata")).text)
        assert connection["issuer"] == f"{origin}/metadata"
        async with browser(house) as client:
            ours = await client.get(urlsplit(connection["metadata_url"]).path)
        assert (await provider.post("/sp", content=ours.content)).text == "known"
        for who, gets_in in (("ann", True), ("ann", True), ("eve", False)):
            async with browser(house) as client:
                answer = await provider.get(f"{await depart(client, connection)}&person={who}")
                assert answer.status_code == 200, answer.text
                come = await client.post(urlsplit(connection["redirect_uri"]).path, data=answer.json())
                assert (SESSION_COOKIE in client.cookies) == gets_in, come.text
    verifier.close()
    async with house.client() as api:
        found = (await api.get("/v1/members")).json()["data"]
    assert [(m["email"], m["name"], m["roles"]) for m in found] == [("ann@factory.example", "Ann", ["operator"])]
