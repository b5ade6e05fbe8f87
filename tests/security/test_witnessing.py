"""Checkpoints go to witnesses, and their cosignatures come back with every checkpoint handed out."""

import asyncio
from pathlib import Path

import pytest
from fixtures.app import Tenant, World
from fixtures.database import execute, fetch

import woaas.audit
from woaas.audit.cosignatures import WitnessSecret
from woaas.audit.notes import parse_vkeys
from woaas.audit.witness import Refused
from woaas.audit.witness import Witness as Auditor
from woaas_security.audit.cosignature import CosignerKey, cosignatures
from woaas_security.audit.note import MalformedNote
from woaas_security.audit.policy import Witness, read_witnesses
from woaas_security.audit.witnessing import Answer, submit_due

pytestmark = pytest.mark.anyio
SECRET = WitnessSecret.generate("witness.example.com/w1")
WITNESS = Witness(CosignerKey.parse(SECRET.public.vkey), "http://witness.test")


class Wire:
    """The auditor's witness behind a line that can be cut."""

    def __init__(self, folder: Path, vkeys: list[str]) -> None:
        self.auditor = Auditor(SECRET, parse_vkeys(vkeys), folder / "witness.db")
        self.is_cut = False
        self.statuses: list[int] = []

    async def post(self, url: str, body: bytes) -> Answer:
        assert url == "http://witness.test/add-checkpoint"
        if self.is_cut:
            raise TimeoutError
        try:
            answer = Answer(200, self.auditor.add_checkpoint(body))
        except Refused as refused:
            answer = Answer(refused.status, refused.body)
        self.statuses.append(answer.status)
        return answer


async def write(world: World, tenant: Tenant) -> None:
    async with tenant.client() as client:
        made = await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
        assert made.status_code == 201, made.text
    await world.settle(tenant)


async def latest(tenant: Tenant) -> str:
    async with tenant.client() as client:
        return str((await client.get("/v1/audit/checkpoints/latest")).text)


@pytest.fixture
async def wire(world: World, factory: Tenant, tmp_path: Path) -> Wire:
    await write(world, factory)
    async with factory.client() as client:
        vkeys = [key["vkey"] for key in (await client.get("/v1/audit/keys")).json()["data"]]
    return Wire(tmp_path, vkeys)


async def cosigned(world: World, wire: Wire) -> int:
    return await submit_due(world.sequencer_db, WITNESS, wire.post)


class TestSubmitting:
    async def test_each_new_checkpoint_is_cosigned_once(self, world: World, factory: Tenant, wire: Wire) -> None:
        for _ in range(3):
            await write(world, factory)
            assert await cosigned(world, wire) == 1
            assert await cosigned(world, wire) == 0
            assert [one.key for one in cosignatures(await latest(factory), [WITNESS.key])] == [WITNESS.key]
        assert wire.statuses == [200, 200, 200]

    async def test_a_witness_that_was_away_is_met_again(self, world: World, factory: Tenant, wire: Wire) -> None:
        wire.is_cut = True
        assert await cosigned(world, wire) == 0
        await write(world, factory)
        wire.is_cut = False
        assert await cosigned(world, wire) == 1

    async def test_a_witness_that_has_seen_more_than_we_know_is_shown_the_growth(
        self, world: World, factory: Tenant, wire: Wire
    ) -> None:
        assert await cosigned(world, wire) == 1
        table = "ALTER TABLE cosignature DISABLE TRIGGER ALL; DELETE FROM cosignature"
        await asyncio.to_thread(execute, world.settings.database_url, table)
        await write(world, factory)
        assert await cosigned(world, wire) == 1
        assert wire.statuses == [200, 409, 200]

    async def test_another_history_gets_no_cosignature(self, world: World, factory: Tenant, wire: Wire) -> None:
        assert await cosigned(world, wire) == 1
        size = (await asyncio.to_thread(fetch, world.settings.database_url, "SELECT max(size) FROM checkpoint"))[0][0]
        await write(world, factory)
        forged = f"UPDATE log SET leaf_hash = sha256(leaf_hash) WHERE index = {int(str(size)) - 1}"
        await asyncio.to_thread(execute, world.settings.database_url, f"ALTER TABLE log DISABLE TRIGGER ALL; {forged}")
        assert await cosigned(world, wire) == 0
        assert wire.statuses[-1] == 422


class TestBundles:
    async def test_a_bundle_carries_the_cosignatures_that_its_verifier_asks_for(
        self, world: World, factory: Tenant, wire: Wire, tmp_path: Path
    ) -> None:
        async with factory.client() as client:
            asked = await client.post("/v1/audit/exports", json={})
            await world.settle(factory, only=())
            assert await cosigned(world, wire) == 1
            await world.settle(factory)
            await _follow(world, factory)
            state = (await client.get(asked.headers["location"])).json()
            assert state["status"] == "finished", state
            content = (await client.get(state["download_url"])).content
        (tmp_path / "bundle.zip").write_bytes(content)
        report = woaas.audit.verify(tmp_path / "bundle.zip", witnesses=[SECRET.public.vkey])
        assert (report.exit_code, report.witnessed_by) == (0, (SECRET.public.vkey,)), str(report)
        other = WitnessSecret.generate("witness.example.com/w2").public.vkey
        assert woaas.audit.verify(tmp_path / "bundle.zip", witnesses=[other]).exit_code == 1


async def _follow(world: World, tenant: Tenant) -> None:
    from woaas_core.events.readers import advance
    from woaas_infra.readers import readers

    (reader,) = (one for one in readers(world.settings) if one.name == "audit_exports")
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, tenant.id, reader.name)
        await advance(uow, reader)


class TestPolicy:
    def test_witnesses_with_a_url_are_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "policy"
        vkey = SECRET.public.vkey
        path.write_text(f"# ours\n\nlog x\nwitness a {vkey} https://w.example/\nwitness b {vkey}\nquorum a\n")
        assert read_witnesses(path) == (Witness(WITNESS.key, "https://w.example"),)

    @pytest.mark.parametrize(
        "line",
        ["witness a", "witness a key http://w", f"witness a {SECRET.public.vkey} file:///w"],
        ids=["no key", "no key that is one", "no web address"],
    )
    def test_a_line_out_of_form_is_refused(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "policy").write_text(f"{line}\n")
        with pytest.raises(MalformedNote):
            read_witnesses(tmp_path / "policy")
