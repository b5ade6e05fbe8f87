"""Entries of other systems: taken once, under their own signature, and proved like ours."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fixtures.app import Tenant, World
from httpx import AsyncClient

from woaas_core.events.canonical import canonical

pytestmark = pytest.mark.anyio

PAYLOAD = {"n": 7, "what": "calibrated", "gauge": "G-1", "at": "2026-11-21T09:00:00Z"}


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


def signed(key: Ed25519PrivateKey, payload: dict[str, Any], source: str = "mes") -> dict[str, Any]:
    return {"source": source, "payload": payload, "signature": b64(key.sign(canonical(payload)))}


async def register(client: AsyncClient, key: Ed25519PrivateKey, code: str = "mes") -> dict[str, Any]:
    body = {"code": code, "public_key": b64(key.public_key().public_bytes_raw())}
    answer = await client.post("/v1/audit/sources", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_an_entry_with_index_and_proof(world: World, factory: Tenant, key: Ed25519PrivateKey) -> None:
    async with factory.client() as client:
        await register(client, key)
        answer = await client.post("/v1/audit/external-entries", json=signed(key, PAYLOAD))
        assert answer.status_code == 201, answer.text
        assert (await client.get(answer.headers["location"])).json() == answer.json()
        assert answer.json()["payload"] == PAYLOAD
        await world.settle(factory)
        (entry,) = (await client.get("/v1/audit/entries?type=external_entry.appended")).json()["data"]
        assert (entry["subject"], entry["changes"]["payload"]) == (answer.json()["id"], PAYLOAD)
        assert (await client.get(f"/v1/audit/entries/{entry['index']}/inclusion-proof")).status_code == 200


async def test_forged_replayed_and_revoked_ones_are_refused(factory: Tenant, key: Ed25519PrivateKey) -> None:
    stranger = Ed25519PrivateKey.generate()
    async with factory.client() as client:
        source = await register(client, key)
        good = signed(key, PAYLOAD)
        forged = (
            signed(stranger, PAYLOAD),
            good | {"payload": PAYLOAD | {"n": 8}},
            good | {"source": "other"},
            good | {"signature": b64(bytes(64))},
        )
        for body in forged:
            answer = await client.post("/v1/audit/external-entries", json=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_signature")
        for body in (good | {"signature": "AAAA"}, good | {"signature": "签名签名"}, good | {"payload": {"n": 1.5}}):
            assert (await client.post("/v1/audit/external-entries", json=body)).status_code == 422
        assert (await client.post("/v1/audit/external-entries", json=good)).status_code == 201
        again = await client.post("/v1/audit/external-entries", json=good)
        assert (again.status_code, again.json()["code"]) == (409, "entry_replayed")
        await client.post(f"/v1/audit/sources/{source['id']}/revoke")
        late = await client.post("/v1/audit/external-entries", json=signed(key, PAYLOAD | {"n": 9}))
        assert late.json()["code"] == "bad_signature"
        await register(client, stranger)
        assert (await client.post("/v1/audit/external-entries", json=signed(stranger, {"n": 1}))).status_code == 201


async def test_strangers_append_nothing(world: World, factory: Tenant, key: Ed25519PrivateKey) -> None:
    other = await world.tenant("Other")
    async with factory.client() as client, other.client() as stranger:
        source = await register(client, key)
        assert (await stranger.post("/v1/audit/external-entries", json=signed(key, PAYLOAD))).status_code == 422
        assert (await stranger.get(f"/v1/audit/sources/{source['id']}")).status_code == 404
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.post("/v1/audit/external-entries", json=signed(key, PAYLOAD))).status_code == 403
        stranger.headers.pop("authorization")
        assert (await stranger.post("/v1/audit/external-entries", json=signed(key, PAYLOAD))).status_code == 401
