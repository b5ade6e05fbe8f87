"""From a write to a bundle that the offline verifier accepts, and one that it does not."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fixtures.app import ORIGIN, Tenant, World

import woaas.audit
from woaas_core.clock import FrozenClock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import SEQUENCER
from woaas_core.events.readers import advance
from woaas_infra.readers import readers
from woaas_security.audit.journal import SignedJournal
from woaas_security.audit.keys import KeyRing
from woaas_security.audit.sequencer import SIGN_AT_MOST_EVERY, Sequencer

pytestmark = pytest.mark.anyio
ORDER = {"product": "P", "quantity": "1", "customer": "SECRET-CUSTOMER", "release": True}


async def exported(world: World, tenant: Tenant, key: str | None = None) -> bytes:
    await world.settle(tenant)
    async with tenant.client(key) as client:
        asked = await client.post("/v1/audit/exports", json={})
        assert asked.status_code == 202, asked.text
        await world.settle(tenant)
        state = (await client.get(asked.headers["location"])).json()
        assert state["status"] == "finished", state
        return (await client.get(state["download_url"])).content


class TestBundle:
    async def test_a_bundle_verifies_offline_against_the_published_key(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        async with factory.client() as client:
            await client.post("/v1/work-orders", json=ORDER)
        (tmp_path / "bundle.zip").write_bytes(await exported(world, factory))
        async with factory.client() as client:
            vkeys = [k["vkey"] for k in (await client.get("/v1/audit/keys")).json()["data"]]
            note = (await client.get("/v1/audit/checkpoints/latest")).text
        report = woaas.audit.verify(tmp_path / "bundle.zip", vkeys=vkeys)
        assert report.exit_code == 0, str(report)
        assert note.splitlines()[0].endswith(str(factory.id))

    async def test_a_changed_entry_is_found(self, world: World, factory: Tenant, tmp_path: Path) -> None:
        async with factory.client() as client:
            await client.post("/v1/work-orders", json=ORDER)
        with zipfile.ZipFile(io.BytesIO(await exported(world, factory))) as bundle:
            files = {name: bundle.read(name) for name in bundle.namelist()}
        files["entries.jsonl"] = files["entries.jsonl"].replace(b"work_order.released", b"work_order.completed")
        with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as forged:
            for name, content in files.items():
                forged.writestr(name, content)
        assert woaas.audit.verify(tmp_path / "bundle.zip").exit_code == 1

    async def test_an_auditors_bundle_has_no_masked_value_and_still_verifies(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        async with factory.client() as client:
            await client.post("/v1/work-orders", json=ORDER)
        content = await exported(world, factory, await factory.key("auditor"))
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            assert all(b"SECRET-CUSTOMER" not in bundle.read(name) for name in bundle.namelist())
        (tmp_path / "bundle.zip").write_bytes(content)
        assert woaas.audit.verify(tmp_path / "bundle.zip").exit_code == 0

    async def test_a_filter_by_what_is_no_order_is_refused_at_once(self, factory: Tenant) -> None:
        async with factory.client() as client:
            asked = await client.post("/v1/audit/exports", json={"filter": {"work_order_id": "wo_nothing"}})
        assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/filter/work_order_id")

    async def test_a_request_that_cannot_be_served_holds_up_no_other(
        self, world: World, factory: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("woaas_security.audit.exports._check_filter", lambda _plain: None)
        async with factory.client() as client:
            asked = await client.post("/v1/audit/exports", json={"filter": {"work_order_id": "wo_nothing"}})
            await exported(world, factory)
            assert (await client.get(asked.headers["location"])).json()["status"] == "failed"


class TestCoverage:
    async def test_a_bundle_holds_all_that_was_written_before_it_was_asked_for(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        """The newest checkpoint is older than the write; a second passes before the sequencer signs again."""
        clock = FrozenClock(datetime(2050, 1, 1, tzinfo=UTC))
        database = await Database.connect(world.settings.database_url, role=SEQUENCER, size=1, clock=clock)
        journal = SignedJournal(tmp_path / "of-the-second.jsonl")
        sequencer = Sequencer(database, KeyRing((world.signing_key,)), journal, origin=ORIGIN)
        await sequencer.open()
        async with factory.client() as client:
            assert (await sequencer.step()).signed == 1
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            asked = await client.post("/v1/audit/exports", json={})
            batch = await sequencer.step()
            assert (batch.sequenced > 2, batch.signed) == (True, 0)
            await follow(world, factory)
            assert (await client.get(asked.headers["location"])).json()["status"] == "queued"
            clock.advance(SIGN_AT_MOST_EVERY)
            assert (await sequencer.step()).signed == 1
            await follow(world, factory)
            state = (await client.get(asked.headers["location"])).json()
            content = (await client.get(state["download_url"])).content
        await database.close()
        (tmp_path / "bundle.zip").write_bytes(content)
        assert woaas.audit.verify(tmp_path / "bundle.zip").exit_code == 0
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            entries = bundle.read("entries.jsonl").decode()
        assert order["id"] in entries
        assert asked.json()["id"] in entries


async def follow(world: World, tenant: Tenant) -> None:
    """Let the writer of bundles do what it can."""
    (reader,) = (r for r in readers(world.settings) if r.name == "audit_exports")
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, tenant.id, reader.name)
        await advance(uow, reader)


class TestEntries:
    async def test_proofs_and_entries_are_there_after_the_write_is_sequenced(
        self, world: World, factory: Tenant
    ) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            await world.settle(factory)
            entries = (await client.get(f"/v1/audit/entries?work_order_id={order['id']}")).json()["data"]
            assert {"work_order.created", "work_order.released"} <= {e["type"] for e in entries}
            proof = await client.get(f"/v1/audit/entries/{entries[0]['index']}/inclusion-proof")
            assert proof.status_code == 200
            consistency = await client.get(f"/v1/audit/consistency-proof?from=1&to={proof.json()['tree_size']}")
            assert consistency.json()["from"] == 1
            auditor = factory.client(await factory.key("auditor"))
            created = next(
                e
                for e in (await auditor.get("/v1/audit/entries?type=work_order.created")).json()["data"]
                if e["subject"] == order["id"]
            )
            assert created["changes"]["customer"] is None
            assert "/changes/customer" in created["masked_fields"]
