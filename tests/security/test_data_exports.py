"""Everything of a tenant in one file: complete, of nobody else, without what opens accounts, for owners only."""

import io
import json
import re
from zipfile import ZipFile

import pytest
from fixtures.app import Tenant
from fixtures.console import PASSWORD, person
from httpx import AsyncClient

from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.db.statements import Statement
from woaas_infra.tables import complete_metadata
from woaas_security.data_exports import content, service

pytestmark = pytest.mark.anyio
_SECRET = re.compile(r"secret|password|token|otp|_hash$")
"""Names of columns that could open something."""
_HARMLESS = {
    "previous_secret_expires_at",
    "leaf_hash",
    "payload_hash",
    "request_hash",
    "snapshot_hash",
    "params_hash",
    "body_hash",
}


async def ask(tenant: Tenant, client: AsyncClient, **changes: str) -> str:
    owner = await person(tenant, "owner")
    made = await client.post("/v1/tenant/exports", json={"signer": owner, "password": PASSWORD, **changes})
    assert made.status_code == 202, made.text
    found: str = made.json()["id"]
    return found


async def work(tenant: Tenant) -> int:
    """What the worker does in the tenant."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        return await service.write_queued(uow, complete_metadata().sorted_tables)


class TestContent:
    async def test_it_holds_each_row_of_the_tenant_and_none_of_others(self, factory: Tenant) -> None:
        rival = await factory.world.tenant("Rival")
        async with factory.client() as client, rival.client() as theirs:
            for tenant, api in ((factory, client), (rival, theirs)):
                order = {"product": f"OF-{tenant.id.hex}", "quantity": "1", "operations": [{"name": "Turn"}]}
                assert (await api.post("/v1/work-orders", json=order)).status_code == 201
            key = await ask(factory, client)
            queued = await client.get(f"/v1/tenant/exports/{key}/download")
            assert queued.status_code in (409, 503), queued.text
            assert (await work(factory), await work(factory)) == (1, 0)
            row = (await client.get(f"/v1/tenant/exports/{key}")).json()
            answer = await client.get(row["download_url"])
        archive = ZipFile(io.BytesIO(answer.content))
        manifest = json.loads(archive.read("manifest.json"))
        assert row["rows"] == sum(manifest["rows"].values())
        text = {name: archive.read(name).decode() for name in archive.namelist()}
        assert factory.id.hex in text["work_orders.ndjson"]
        assert rival.id.hex not in "".join(text.values())
        assert str(rival.id) not in "".join(text.values())
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            for table in ("work_orders", "operations", "users", "api_keys"):
                lines = [json.loads(line) for line in text[f"{table}.ndjson"].splitlines()]
                assert len(lines) == await uow.value(Statement.text(f"SELECT count(*) FROM {table}"))
        hashes = [line for line in text["users.ndjson"].splitlines() if "password_hash" in line or "argon2" in line]
        assert hashes == []

    def test_every_table_is_in_it_or_withheld_and_no_column_opens_anything(self) -> None:
        tables = complete_metadata().sorted_tables
        named = {t.name for t in tables if "tenant_id" in t.c or "buyer_tenant_id" in t.c} | {"tenants"}
        assert {t.name for t in content.exported(tables)} == named - content.WITHHELD_TABLES
        assert named >= content.WITHHELD_TABLES
        columns = {c.name for t in content.exported(tables) for c in t.c} - content.WITHHELD_COLUMNS
        assert {c for c in columns if _SECRET.search(c)} - _HARMLESS == set()


class TestDoor:
    async def test_only_owners_who_give_their_password_get_it(self, factory: Tenant) -> None:
        owner, planner = await person(factory, "owner"), await person(factory, "planner")
        rival = await factory.world.tenant("Rival")
        body = {"signer": owner, "password": PASSWORD}
        path = "/v1/tenant/exports"
        async with factory.client() as client:
            assert (await client.post(path, json=body, headers={"Authorization": ""})).status_code == 401
            assert (await client.post(path, json=body | {"password": "nope"})).status_code == 401
            assert (await client.post(path, json=body | {"signer": planner})).status_code == 403
            key = (await client.post(path, json=body)).json()["id"]
        await work(factory)
        for role, status in (("planner", 403), ("auditor", 403)):
            async with factory.client(await factory.key(role)) as other:
                assert (await other.post(path, json=body)).status_code == 403
                assert (await other.get(f"{path}/{key}/download")).status_code == status
        async with rival.client() as theirs:
            for place in (f"{path}/{key}", f"{path}/{key}/download"):
                assert (await theirs.get(place)).status_code == 404

    async def test_it_is_kept_for_a_week_and_its_download_is_on_record(self, factory: Tenant) -> None:
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        async with factory.client() as client:
            key = await ask(factory, client)
            await work(factory)
            path = f"/v1/tenant/exports/{key}/download"
            whole = await client.get(path)
            rest = await client.get(path, headers={"Range": "bytes=100-"})
            assert (rest.status_code, rest.content) == (206, whole.content[100:])
            clock.advance(service.KEPT_FOR)
            assert (await client.get(path)).status_code == 410
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            assert await service.forget_expired(uow) == 1
            told = await uow.all(Statement.text("SELECT DISTINCT type FROM event WHERE type LIKE 'data_export%'"))
        assert {row[0] for row in told} == {"data_export.requested", "data_export.finished", "data_export.downloaded"}
