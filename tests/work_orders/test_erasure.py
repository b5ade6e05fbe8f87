"""Erasure: a person's values are nowhere any more, and every proof from before still verifies."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fixtures.app import Tenant, World
from fixtures.database import FreshDatabase
from httpx import AsyncClient

from woaas.audit import verify
from woaas_core.ids import encode_id
from woaas_security.identity.service import add_user

pytestmark = pytest.mark.anyio

CANARY = 'Xaver "Q7" Löwenherz'
EMAIL = "xaver.q7@canary.test"


@pytest.fixture
async def people(factory: Tenant) -> dict[str, str]:
    """An operator, a customer and a member by id, each with the canary in what is said of him, and around."""
    async with factory.client() as client:
        operator = (await client.put("/v1/operators/p1", json={"name": CANARY})).json()
        await client.put("/v1/operators/p1", json={"name": CANARY, "location": "hall"})
        customer = (await client.put("/v1/customers/c1", json={"name": CANARY, "email": EMAIL})).json()
    async with factory.world.db.unit_of_work() as uow:
        await factory.world.authenticator.as_system(uow, factory.id, "test")
        member = await add_user(uow, email=EMAIL, name=CANARY, password="correct horse battery", roles=["quality"])
    async with factory.client() as client:
        order = (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
        body = {"subject": order["id"], "meaning": "released", "signer": EMAIL, "password": "correct horse battery"}
        # The answer is kept under the key, with the printed name.
        kept = {"Idempotency-Key": "k1"}
        assert (await client.post("/v1/signatures", json=body, headers=kept)).status_code == 201
        await client.post(f"/v1/work-orders/{order['id']}/cancel", json={"reason": f"{CANARY} asked for it"})
    return {"operator": operator["id"], "customer": customer["id"], "member": encode_id("usr", member)}


async def everything(database: FreshDatabase) -> str:
    """All rows of all tables as text, bytes in hex and as text."""
    connection = await asyncpg.connect(database.dsn)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        rows = [await connection.fetchval(f'SELECT string_agg(t::text, chr(10)) FROM "{n}" t') for (n,) in names]
    finally:
        await connection.close()
    return "\n".join(row for row in rows if row)


def traces(text: str) -> list[str]:
    """The forms of the canary that are found: plain, as JSON writes it, in hex, doubled by a row's text."""
    forms = [word for one in (CANARY, EMAIL, "Löwenherz", "xaver.q7") for word in (one, one.encode().hex())]
    return [form for form in forms if form in text]


async def bundle(world: World, tenant: Tenant, client: AsyncClient, path: Path) -> Path:
    run = (await client.post("/v1/audit/exports", json={})).json()
    await world.settle(tenant)
    answer = await client.get(f"/v1/audit/exports/{run['id']}/download")
    assert answer.status_code == 200, answer.text
    await asyncio.to_thread(path.write_bytes, answer.content)
    return path


async def test_nothing_of_a_person_is_left_and_proofs_hold(
    world: World, factory: Tenant, people: dict[str, str], database: FreshDatabase, tmp_path: Path
) -> None:
    assert traces(await everything(database))
    async with factory.client() as client:
        await world.settle(factory)
        old = await bundle(world, factory, client, tmp_path / "old.zip")
        checkpoint = (await client.get("/v1/audit/checkpoints/latest")).text
        erased = 0
        for subject in people.values():
            answer = await client.post("/v1/erasures", json={"subject": subject, "reason": "Art. 17"})
            assert answer.status_code == 201, answer.text
            erased += answer.json()["fields"]
        assert erased >= 8
        await world.settle(factory)
        assert traces(await everything(database)) == []
        assert (await client.get(f"/v1/operators/{people['operator']}")).json()["name"] is None
        new = await bundle(world, factory, client, tmp_path / "new.zip")
        before, after = verify(old), verify(new, earlier_checkpoint=checkpoint)
        assert (before.ok, after.ok) == (True, True), (before.problems, after.problems)
        assert after.erased == erased
        assert f"erased ({erased} fields)" in str(after)
        assert after.consistent_from
        for name in ("entries.jsonl", "openings.jsonl"):
            assert traces(read(new, name)) == []
        assert traces(await everything(database)) == []


def read(path: Path, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return archive.read(name).decode()


class TestDoor:
    async def test_only_owners_of_this_tenant_erase(
        self, world: World, factory: Tenant, people: dict[str, str]
    ) -> None:
        body = {"subject": people["operator"], "reason": "Art. 17"}
        other = await world.tenant("Other")
        async with other.client() as stranger, factory.client(await factory.key("planner")) as planner:
            assert (await stranger.post("/v1/erasures", json=body)).status_code == 404
            assert (await planner.post("/v1/erasures", json=body)).status_code == 403
            assert (await planner.get("/v1/legal-holds")).status_code == 403
            planner.headers.pop("authorization")
            assert (await planner.post("/v1/erasures", json=body)).status_code == 401

    async def test_only_people_are_erased(self, factory: Tenant) -> None:
        async with factory.client() as client:
            site = (await client.put("/v1/sites/s1", json={})).json()
            answer = await client.post("/v1/erasures", json={"subject": site["id"], "reason": "x"})
            assert answer.status_code == 422

    @pytest.mark.parametrize("whole", [False, True])
    async def test_a_legal_hold_forbids_it_until_it_is_released(
        self, factory: Tenant, people: dict[str, str], whole: bool
    ) -> None:
        async with factory.client() as client:
            body: dict[str, Any] = {"subject": people["customer"], "reason": "Art. 17"}
            held = {"subject": "*" if whole else body["subject"], "reason": "suit"}
            hold = await client.post("/v1/legal-holds", json=held)
            assert hold.status_code == 201
            refused = await client.post("/v1/erasures", json=body)
            assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
            released = await client.post(f"{hold.headers['location']}/release")
            assert released.json()["released_at"]
            assert (await client.post("/v1/erasures", json=body)).status_code == 201


class TestOpenings:
    async def test_no_role_changes_entries_otherwise(
        self, factory: Tenant, people: dict[str, str], world: World
    ) -> None:
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await uow.connection.execute("UPDATE event SET openings = NULL")

    async def test_even_a_superuser_only_by_taking_the_guard_away(
        self, factory: Tenant, people: dict[str, str], database: FreshDatabase
    ) -> None:
        connection = await asyncpg.connect(database.dsn)
        try:
            for change in ("openings = NULL", "openings = '{}'", "payload = ''", "actor = 'x'"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"UPDATE event SET {change}")
        finally:
            await connection.close()
