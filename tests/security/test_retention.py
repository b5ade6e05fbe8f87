"""Old entries leave the table of events for the archive: nothing is lost, every proof holds, nothing held is moved."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fixtures.app import Tenant, World
from fixtures.database import fetch
from fixtures.killable import Killable
from fixtures.processes import eventually

from woaas.audit import verify, verify_entry
from woaas_core.clock import SystemClock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.events.envelope import event_type
from woaas_infra.processes.worker import Worker
from woaas_infra.schedule import jobs

pytestmark = pytest.mark.anyio
WRITTEN = event_type("test_retention.written", "A test wrote something.")
AGO = timedelta(days=100)
SECRET = "Xaver Q7"
LIVE = "SELECT count(*) FROM event WHERE type = 'test_retention.written'"
TILES = "SELECT count(*) FROM log_archive"


class Earlier:
    """The system's clock, some time ago."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> Any:
        """The time it was."""
        return SystemClock().now() - self._by


@contextmanager
def earlier(world: World, by: timedelta = AGO) -> Iterator[None]:
    """Some time ago, for what the platform does in here."""
    clock = world.db.clock
    world.db.clock = Earlier(by)
    yield
    world.db.clock = clock


@pytest.fixture
async def factory(world: World) -> Tenant:
    """A tenant of some time ago."""
    with earlier(world):
        return await world.tenant()


async def write(tenant: Tenant, count: int, *, ago: timedelta = AGO) -> None:
    """Entries of some time ago, in the log and read by all; each has a value that its reader may open."""
    world = tenant.world
    with earlier(world, ago):
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, tenant.id, "writer")
            for number in range(count):
                uow.record(WRITTEN, subject=f"thing_{number}", changes={"name": f"{SECRET} {number}"})
        await world.settle(tenant)


@asynccontextmanager
async def worker(world: World) -> AsyncIterator[Worker]:
    """A worker of now."""
    database = await Database.connect(world.settings.database_url, role=APP, size=1)
    yield Worker(database, world.settings, asyncio.Event())
    await database.close()


async def archive(world: World) -> int:
    """Do what is due; how many entries moved."""
    (job,) = (job for job in jobs(world.settings) if job.name == "retention")
    async with worker(world) as one:
        return await one.do(job)


async def keep(tenant: Tenant, days: int | None = 30) -> None:
    """Set the policy."""
    async with tenant.client() as client:
        answer = await client.put("/v1/audit/retention", json={"archive_after_days": days})
    assert answer.status_code == 200, answer.text


def count(world: World, query: str) -> int:
    """A figure of the database."""
    return int(str(fetch(world.settings.database_url, query)[0][0]))


async def bundle(tenant: Tenant, path: Path, **asked: Any) -> list[dict[str, Any]]:
    """Export a bundle; returns its entries."""
    async with tenant.client() as client:
        run = (await client.post("/v1/audit/exports", json=asked)).json()
        await tenant.world.settle(tenant)
        answer = await client.get(f"/v1/audit/exports/{run['id']}/download")
    assert answer.status_code == 200, answer.text
    await asyncio.to_thread(path.write_bytes, answer.content)
    with zipfile.ZipFile(path) as files:
        return [json.loads(line) for line in files.read("entries.jsonl").splitlines()]


async def test_an_orders_timeline_is_whole_after_archiving(world: World, factory: Tenant) -> None:
    with earlier(world):
        async with factory.client() as client:
            order, other = [
                (await client.post("/v1/work-orders", json={"product": name, "quantity": "1", "release": True})).json()
                for name in ("CABLE", "HEAD")
            ]
            await client.post(f"/v1/work-orders/{order['id']}/hold", json={"reason": "as the customer asked"})
        await world.settle(factory)
    await write(factory, 600)
    async with factory.client() as client:
        await client.post(f"/v1/work-orders/{order['id']}/resume")
        before = [(await client.get(f"/v1/work-orders/{o['id']}/timeline")).json() for o in (order, other)]
        await keep(factory)
        assert await archive(world) == 512
        after = [(await client.get(f"/v1/work-orders/{o['id']}/timeline")).json() for o in (order, other)]
    assert after == before
    assert [e["reason"] for e in after[0]["data"] if e["type"] == "work_order.held"] == ["as the customer asked"]
    assert after[0]["data"][-1]["type"] == "work_order.resumed"


async def test_every_proof_bundle_and_checkpoint_holds_after_archiving(
    world: World, factory: Tenant, tmp_path: Path
) -> None:
    await write(factory, 600)
    async with factory.client() as client:
        before = await bundle(factory, tmp_path / "old.zip")
        checkpoint = (await client.get("/v1/audit/checkpoints/latest")).text
        size = int(checkpoint.splitlines()[1])
        proof_of = f"/v1/audit/entries/300/inclusion-proof?tree_size={size}"
        proof = (await client.get(proof_of)).json()
        follower = (await client.get("/v1/events?limit=5")).json()["resume_cursor"]
        await keep(factory)
        assert (await archive(world), await archive(world)) == (512, 0)
        await world.settle(factory)
        assert (await asyncio.to_thread(count, world, TILES)) == 2
        assert (await client.get(proof_of)).json() == proof
        vkeys = [key["vkey"] for key in (await client.get("/v1/audit/keys")).json()["data"]]
        one = (await client.get("/v1/audit/entries/300/tlog-proof")).text
        assert verify_entry(one, vkeys=vkeys).log_index == 300

        after = await bundle(factory, tmp_path / "new.zip")
        report = verify(tmp_path / "new.zip", earlier_checkpoint=checkpoint, vkeys=vkeys)
        assert (report.ok, verify(tmp_path / "old.zip").ok) == (True, True), str(report)
        assert after[: len(before)] == before
        filtered = await bundle(factory, tmp_path / "some.zip", filter={"type": "test_retention.written"})
        assert (len(filtered), verify(tmp_path / "some.zip").ok) == (600, True)

        page = (await client.get("/v1/audit/entries?limit=200")).json()
        assert (page["archived_before"], min(entry["index"] for entry in page["data"])) == (512, 512)
        gone = await client.get(f"/v1/events?cursor={follower}")
        assert (gone.status_code, gone.json()["code"]) == (410, "archived")
        assert (await client.get("/v1/events?limit=1")).json()["data"][0]["auditindex"] == 512
        (known,) = (await client.get("/v1/audit/archives")).json()["data"]
        assert (known["first_index"], known["end_index"]) == (0, 512)
        assert (await client.get(f"/v1/audit/archives/{known['id']}")).json() == known
        told = [e for e in page["data"] if e["type"] == "audit_archive.created"]
        assert [(e["subject"], e["data"]["end_index"]) for e in told] == [(known["id"], 512)]


async def test_what_is_young_unread_or_wanted_at_hand_stays(world: World, factory: Tenant) -> None:
    await write(factory, 300)
    await write(factory, 300, ago=timedelta(days=29))
    assert await archive(world) == 0
    await keep(factory)
    behind = "UPDATE reader_cursor SET next_index = 255 WHERE reader = 'metering'"
    await asyncio.to_thread(fetch, world.settings.database_url, behind)
    assert await archive(world) == 0
    await world.settle(factory, only=())
    read = "UPDATE reader_cursor SET next_index = 256 WHERE reader = 'metering'"
    await asyncio.to_thread(fetch, world.settings.database_url, read)
    assert await archive(world) == 256
    await world.settle(factory)
    await keep(factory, None)
    assert await archive(world) == 0


class TestHolds:
    async def test_nothing_held_is_archived_nor_what_comes_after_it(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            with earlier(world):
                await write(factory, 300)
                person = (await client.put("/v1/operators/p1", json={"name": "P"})).json()["id"]
                await write(factory, 300)
                order = (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()["id"]
                await write(factory, 300)
            await keep(factory)
            for held in (person, order):
                body = {"subject": held, "reason": "suit"}
                hold = (await client.post("/v1/legal-holds", json=body)).headers["location"]
                # The tile before the one that it is in.
                assert (await archive(world), await archive(world)) == (256, 0)
                await client.post(f"{hold}/release")
            assert await archive(world) == 256

    async def test_a_hold_on_everything_stops_it_until_it_is_released(self, world: World, factory: Tenant) -> None:
        await write(factory, 300)
        await keep(factory)
        async with factory.client() as client:
            hold = (await client.post("/v1/legal-holds", json={"subject": "*", "reason": "suit"})).headers["location"]
            assert await archive(world) == 0
            await client.post(f"{hold}/release")
            assert await archive(world) == 256


class TestGuards:
    async def test_an_entry_that_was_changed_is_not_archived_as_if_it_were_not(
        self, world: World, factory: Tenant
    ) -> None:
        await write(factory, 300)
        await keep(factory)
        forge = "ALTER TABLE event DISABLE TRIGGER append_only; "
        forge += "UPDATE event SET payload = payload || ' ' WHERE subject = 'thing_7'"
        connection = await asyncpg.connect(world.settings.database_url)
        await connection.execute(forge)
        await connection.close()
        assert (await archive(world), await asyncio.to_thread(count, world, LIVE)) == (0, 300)

    async def test_nothing_leaves_but_by_the_function(self, world: World, factory: Tenant) -> None:
        await write(factory, 300)
        connection = await asyncpg.connect(world.settings.database_url)
        try:
            for role, refusal in (
                ("woaas_app", "permission denied"),
                ("woaas_sequencer", "permission denied"),
                ("woaas_auditor", "permission denied"),
                ("woaas_owner", "never changed"),
                ("woaas_definer", "would be lost"),
            ):
                await connection.execute(f"SET ROLE {role}")
                with pytest.raises(asyncpg.PostgresError, match=refusal):
                    await connection.execute("DELETE FROM event WHERE subject LIKE 'thing%'")
                await connection.execute("RESET ROLE")
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
                await connection.execute("DELETE FROM event")
            assert await connection.fetchval(LIVE) == 300
        finally:
            await connection.close()

    async def test_an_erasure_reaches_the_archive_and_what_is_archived_still_verifies(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        async with factory.client() as client:
            with earlier(world):
                person = (await client.put("/v1/operators/p1", json={"name": f"{SECRET} 3"})).json()["id"]
            await write(factory, 300)
            await keep(factory)
            assert await archive(world) == 256
            erased = await client.post("/v1/erasures", json={"subject": person, "reason": "Art. 17"})
            await world.settle(factory)
        stays, goes = f"{SECRET} 4", f'"{SECRET} 3"'
        every = "SELECT string_agg(openings::text, '') FROM log_archive"
        text = str((await asyncio.to_thread(fetch, world.settings.database_url, every))[0][0])
        assert (stays in text, goes in text) == (True, False)
        await bundle(factory, tmp_path / "new.zip")
        report = verify(tmp_path / "new.zip")
        assert report.ok, str(report)
        assert report.erased == erased.json()["fields"] > 0


async def test_a_worker_killed_in_the_middle_has_moved_all_of_a_run_or_nothing(
    world: World, factory: Tenant, killable: Killable, tmp_path: Path
) -> None:
    await write(factory, 600)
    before = await bundle(factory, tmp_path / "old.zip")
    await keep(factory)
    await world.settle(factory)
    for wrote, will_write in (("log_archive", "audit_archives"), ("log_archive", "pending")):
        await killable.kill_in_the_middle(killable.start("worker"), wrote, will_write)
        assert (await asyncio.to_thread(count, world, LIVE), await asyncio.to_thread(count, world, TILES)) == (600, 0)
    killable.start("worker")
    await asyncio.to_thread(eventually, lambda: count(world, TILES) == 2, "it was archived")
    await world.settle(factory)
    assert (await bundle(factory, tmp_path / "new.zip"))[: len(before)] == before
    assert verify(tmp_path / "new.zip").ok


class TestDoor:
    PATHS = ("/v1/audit/retention", "/v1/audit/archives")

    async def test_who_has_no_key_or_no_right_gets_nothing(self, world: World, factory: Tenant) -> None:
        await write(factory, 256)
        await keep(factory)
        assert await archive(world) == 256
        async with factory.client() as owner:
            (mine,) = (await owner.get("/v1/audit/archives")).json()["data"]
        other, planner = await world.tenant("Other"), await factory.key("planner")
        async with other.client() as stranger, factory.client(planner) as without:
            assert (await stranger.get(f"/v1/audit/archives/{mine['id']}")).status_code == 404
            assert (await stranger.get("/v1/audit/archives")).json()["data"] == []
            assert (await stranger.get("/v1/audit/retention")).json()["archive_after_days"] is None
            for path in self.PATHS:
                assert (await without.get(path)).status_code == 403
            without.headers.pop("authorization")
            for path in self.PATHS:
                assert (await without.get(path)).status_code == 401

    async def test_an_auditor_reads_it_and_only_an_owner_sets_it(self, factory: Tenant) -> None:
        async with factory.client(await factory.key("auditor")) as auditor, factory.client() as owner:
            body = {"archive_after_days": 90}
            assert (await auditor.put("/v1/audit/retention", json=body)).status_code == 403
            assert (await owner.put("/v1/audit/retention", json={"archive_after_days": 29})).status_code == 422
            assert (await owner.put("/v1/audit/retention", json=body)).json()["version"] == 1
            assert (await auditor.get("/v1/audit/retention")).json()["archive_after_days"] == 90
            policy = {"resource": "audit_retention", "field": "archive_after_days", "role": "auditor", "access": "none"}
            assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
            assert "archive_after_days" not in (await auditor.get("/v1/audit/retention")).json()
