"""What the sequencer signs, when, with which keys, and what it refuses to sign."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fixtures.app import ORIGIN, Tenant, World
from fixtures.database import execute, fetch

from woaas_core.clock import Clock, FrozenClock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import SEQUENCER
from woaas_infra.processes.sequencer import KeyFile
from woaas_security.audit.checkpoint import Checkpoint, open_checkpoint
from woaas_security.audit.cosignature import CosignerKey, cosign, cosignatures
from woaas_security.audit.journal import SignedJournal
from woaas_security.audit.keys import (
    KeyRing,
    generate_key_file,
    load_key_file,
    retire_old_keys,
    rotate_key_file,
)
from woaas_security.audit.note import MalformedNote, SigningKey, parse_note
from woaas_security.audit.sequencer import SIGN_AT_LEAST_EVERY, Fenced, Sequencer
from woaas_security.audit.store import origin_of

pytestmark = pytest.mark.anyio
# What an administrator does about triggers.
AS_ADMINISTRATOR = "ALTER TABLE {0} DISABLE TRIGGER ALL; {1}; ALTER TABLE {0} ENABLE ALWAYS TRIGGER append_only"


async def write(tenant: Tenant, count: int = 1) -> None:
    """Commit some events."""
    async with tenant.client() as client:
        for _ in range(count):
            made = await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
            assert made.status_code == 201, made.text


async def found(world: World, query: str, tenant: Tenant) -> object:
    return (await asyncio.to_thread(fetch, world.settings.database_url, query, tenant.id))[0][0]


async def size_of(world: World, tenant: Tenant) -> int:
    return int(str(await found(world, "SELECT size FROM log_head WHERE tenant_id = $1", tenant)))


async def newest(world: World, tenant: Tenant) -> str:
    query = "SELECT note FROM checkpoint WHERE tenant_id = $1 ORDER BY size DESC, signed_at DESC LIMIT 1"
    return str(await found(world, query, tenant))


async def administer(world: World, statement: str) -> None:
    await asyncio.to_thread(execute, world.settings.database_url, statement)


async def tamper(world: World, table: str, statement: str) -> None:
    await administer(world, AS_ADMINISTRATOR.format(table, statement))


async def restarted(world: World, *, journal: Path | None = None, keys: KeyRing | None = None) -> Sequencer:
    """A second sequencer that takes over."""
    kept = SignedJournal(journal or world.settings.home / "signed.jsonl")
    taken = Sequencer(world.sequencer_db, keys or KeyRing((world.signing_key,)), kept, origin=ORIGIN)
    await taken.open()
    return taken


class TestRestoredBackup:
    @pytest.fixture
    async def other(self, world: World) -> Tenant:
        return await world.tenant("Other")

    async def rolled_back(self, world: World, factory: Tenant, other: Tenant) -> None:
        """The factory's log is as it was before the last order; what was signed since is gone from the database."""
        await write(factory)
        await write(other)
        await world.settle(factory, other, only=())
        before = await size_of(world, factory)
        await administer(world, "CREATE TABLE kept AS SELECT * FROM log_head")
        await write(factory, 2)
        await world.settle(factory, only=())
        assert await size_of(world, factory) > before
        for table, column in (("log", "index >="), ("checkpoint", "size >"), ("tile", "index > 256 +")):
            await tamper(world, table, f"DELETE FROM {table} WHERE tenant_id = '{factory.id}' AND {column} {before}")
        restored = "size = k.size, frontier = k.frontier, signed_size = k.signed_size, signed_root = k.signed_root"
        await administer(world, f"UPDATE log_head h SET {restored} FROM kept k WHERE k.tenant_id = h.tenant_id")

    async def test_its_log_is_frozen_and_the_others_go_on(self, world: World, factory: Tenant, other: Tenant) -> None:
        await self.rolled_back(world, factory, other)
        sequencer = await restarted(world)
        assert "a backup was restored" in str(sequencer.broken[factory.id])
        size, signed = await size_of(world, factory), await newest(world, factory)
        await write(factory)
        await write(other)
        assert (await sequencer.step()).sequenced > 0
        assert (await sequencer.step()).sequenced == 0
        assert (await size_of(world, factory), await newest(world, factory)) == (size, signed)
        assert list(sequencer.broken) == [factory.id]

    async def test_a_running_sequencer_notices_at_the_next_signature(
        self, world: World, factory: Tenant, other: Tenant
    ) -> None:
        await self.rolled_back(world, factory, other)
        signed = await newest(world, factory)
        await write(factory)
        await world.sequencer.step()
        assert list(world.sequencer.broken) == [factory.id]
        assert await newest(world, factory) == signed

    async def test_a_log_whose_head_is_gone_does_not_begin_anew(self, world: World, factory: Tenant) -> None:
        await write(factory)
        await world.settle(factory, only=())
        await administer(world, "DELETE FROM log_head")
        assert list((await restarted(world)).broken) == [factory.id]

    async def test_under_another_origin_a_new_log_begins(self, world: World, factory: Tenant, other: Tenant) -> None:
        await self.rolled_back(world, factory, other)
        journal = SignedJournal(world.settings.home / "signed.jsonl")
        sequencer = Sequencer(world.sequencer_db, KeyRing((world.signing_key,)), journal, origin="test.woaas/audit-2")
        await sequencer.open()
        await write(factory)
        await sequencer.step()
        assert sequencer.broken == {}
        assert (await newest(world, factory)).startswith("test.woaas/audit-2/t/")


class TestContinuity:
    async def test_without_the_journal_the_newest_checkpoint_of_the_database_counts(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        await write(factory)
        await world.settle(factory, only=())
        await tamper(world, "log", "UPDATE log SET leaf_hash = sha256(leaf_hash) WHERE index = 1")
        await write(factory)
        sequencer = await restarted(world, journal=tmp_path / "lost.jsonl")
        await sequencer.step()
        assert "not the one that was signed" in str(sequencer.broken[factory.id])

    async def test_an_entry_changed_before_its_first_signature_is_not_signed(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        clock = FrozenClock(datetime(2050, 1, 1, tzinfo=UTC))
        sequencer = await at(world, clock, tmp_path)
        await write(factory)
        await sequencer.step()
        signed = await newest(world, factory)
        await write(factory)
        assert (await sequencer.step()).signed == 0
        await tamper(
            world, "log", "UPDATE log SET leaf_hash = sha256(leaf_hash) WHERE index = (SELECT max(index) FROM log)"
        )
        clock.advance(timedelta(seconds=1))
        assert (await sequencer.step()).signed == 0
        assert "do not lead to the root" in str(sequencer.broken[factory.id])
        assert await newest(world, factory) == signed

    async def test_a_log_signed_by_a_strange_key_is_not_continued(self, world: World, factory: Tenant) -> None:
        await write(factory)
        await world.settle(factory, only=())
        sequencer = await restarted(world, keys=KeyRing((SigningKey.generate(ORIGIN),)))
        assert "not signed by a key of the key file" in str(sequencer.broken[factory.id])

    async def test_an_older_sequencer_is_fenced_off(self, world: World, factory: Tenant) -> None:
        await write(factory)
        await restarted(world)
        with pytest.raises(Fenced):
            await world.sequencer.step()

    async def test_a_log_of_many_tiles_is_continued_after_a_restart(self, world: World, factory: Tenant) -> None:
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            kind = next(iter(parse_event_types()))
            for number in range(700):
                uow.record(kind, subject=f"thing_{number}")
        await world.settle(factory, only=())
        sequencer = await restarted(world)
        await write(factory)
        assert (await sequencer.step()).signed == 1
        assert sequencer.broken == {}


def parse_event_types() -> list:  # type: ignore[type-arg]
    from woaas_core.events.readers import READER_RETRIED

    return [READER_RETRIED]


async def at(world: World, clock: Clock, folder: Path) -> Sequencer:
    """A sequencer that lives by this clock."""
    database = await Database.connect(world.settings.database_url, role=SEQUENCER, size=1, clock=clock)
    sequencer = Sequencer(database, KeyRing((world.signing_key,)), SignedJournal(folder / "timed.jsonl"), origin=ORIGIN)
    await sequencer.open()
    return sequencer


class TestCheckpoints:
    async def test_a_silent_log_is_signed_again_within_the_hour(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        began = datetime(2050, 1, 1, tzinfo=UTC)
        clock = FrozenClock(began)
        sequencer = await at(world, clock, tmp_path)
        await write(factory)
        assert (await sequencer.step()).signed == 1
        first = await newest(world, factory)
        clock.advance(timedelta(minutes=54))
        assert (await sequencer.step()).signed == 0
        clock.advance(timedelta(minutes=1))
        assert (await sequencer.step()).signed == 1
        own = CosignerKey(origin_of(ORIGIN, factory.id), world.signing_key.verifier.public)
        second = await newest(world, factory)
        assert parse_note(first).text == parse_note(second).text
        assert [one.at for note in (first, second) for one in cosignatures(note, [own])] == [
            began,
            began + SIGN_AT_LEAST_EVERY,
        ]

    async def test_old_and_new_key_sign_until_the_old_one_is_retired(
        self, world: World, factory: Tenant, tmp_path: Path
    ) -> None:
        path = tmp_path / "audit.key"
        old = generate_key_file(path, ORIGIN)
        sequencer = await restarted(world, journal=tmp_path / "rotated.jsonl", keys=load_key_file(path))
        file = KeyFile(path, ORIGIN)
        file.read()
        signed_by = []
        for change in (None, rotate_key_file, retire_old_keys):
            if change:
                change(path)
                assert file.changed()
                await sequencer.use(file.read())
            assert not file.changed()
            await write(factory)
            assert (await sequencer.step()).signed == 1
            signed_by.append(signers(await newest(world, factory), load_key_file(path), factory))
        new = load_key_file(path).signing[0]
        assert signed_by == [[old.verifier.public], [new.verifier.public, old.verifier.public], [new.verifier.public]]
        async with factory.client() as client:
            history = (await client.get("/v1/audit/keys")).json()["data"]
        retired = {key["vkey"].rsplit("+", 1)[-1]: key["retired_at"] is not None for key in history}
        assert [retired[str(key.verifier).rsplit("+", 1)[-1]] for key in (old, new)] == [True, False]
        # What only the retired key signed is still known as ours.
        again = await restarted(world, journal=tmp_path / "rotated.jsonl", keys=load_key_file(path))
        assert again.broken == {}


def signers(note: str, ring: KeyRing, tenant: Tenant) -> list[bytes]:
    """The public keys that signed, in their order."""
    name = origin_of(ORIGIN, tenant.id)
    by_hash = {key.named(name).verifier.key_hash: key.verifier.public for key in ring.signing}
    by_hash |= {type(key)(name, key.public).key_hash: key.public for key in ring.retired}
    return [by_hash[one.key_hash] for one in parse_note(note).signatures if one.key_hash in by_hash]


class TestCosignatures:
    KEY = SigningKey.generate("witness.example.com/w1")
    TEXT = Checkpoint("log.example.com", 7, bytes(32)).text()
    AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    @pytest.fixture
    def witness(self) -> CosignerKey:
        return CosignerKey.parse(str(CosignerKey(self.KEY.verifier.name, self.KEY.verifier.public)))

    def test_a_cosignature_tells_who_and_when(self, witness: CosignerKey) -> None:
        log = SigningKey.generate("log.example.com")
        note = Checkpoint("log.example.com", 7, bytes(32)).sign([log]) + cosign(self.TEXT, self.KEY, self.AT)
        assert [(one.key, one.at) for one in cosignatures(note, [witness])] == [(witness, self.AT)]
        # For whoever does not know cosignatures it stays a signed note.
        assert open_checkpoint(note, [log.verifier]).size == 7

    @pytest.mark.parametrize("place", [0, 8, 40, -1])
    def test_a_changed_one_does_not_count(self, witness: CosignerKey, place: int) -> None:
        signature = bytearray(
            parse_note(f"{self.TEXT}\n{cosign(self.TEXT, self.KEY, self.AT)}").signatures[0].signature
        )
        assert witness.time_of(self.TEXT, bytes(signature)) == self.AT
        signature[place] ^= 1
        assert witness.time_of(self.TEXT, bytes(signature)) is None

    def test_the_example_of_the_specification_has_its_key_hash(self) -> None:
        line = (
            "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
            "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
        )
        (one,) = parse_note(f"{self.TEXT}\n{line}").signatures
        assert int.from_bytes(one.signature[:8], "big") == 1679315147

    @pytest.mark.parametrize("change", [lambda v: v[:-4], lambda v: v.replace("+B", "+A", 1), lambda v: v + "AAAA"])
    def test_what_is_no_key_of_a_cosigner_is_refused(self, witness: CosignerKey, change) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(MalformedNote):
            CosignerKey.parse(change(str(witness)))


class TestJournal:
    def note(self, size: int, origin: str = "log.example.com") -> str:
        return Checkpoint(origin, size, bytes(32)).sign([SigningKey.generate(origin)])

    def test_the_last_note_of_each_log_counts_also_after_a_restart(self, tmp_path: Path) -> None:
        journal = SignedJournal(tmp_path / "signed.jsonl")
        journal.read()
        notes = [self.note(1), self.note(1, "other"), self.note(2)]
        journal.append(notes[:2])
        journal.append(notes[2:])
        again = SignedJournal(tmp_path / "signed.jsonl")
        again.read()
        assert [again.newest(o) for o in ("log.example.com", "other", "third")] == [notes[2], notes[1], None]

    def test_a_line_cut_short_by_a_crash_is_dropped(self, tmp_path: Path) -> None:
        path = tmp_path / "signed.jsonl"
        journal = SignedJournal(path)
        journal.append([self.note(1)])
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:40])
        journal.read()
        journal.append([self.note(2)])
        journal.read()
        assert "\n2\n" in (journal.newest("log.example.com") or "")

    def test_it_is_written_anew_before_it_fills_the_disk(self, tmp_path: Path) -> None:
        journal = SignedJournal(tmp_path / "signed.jsonl", largest_bytes=2_000)
        for size in range(60):
            journal.append([self.note(size)])
        assert (tmp_path / "signed.jsonl").stat().st_size < 4_000
        journal.read()
        assert "\n59\n" in (journal.newest("log.example.com") or "")
