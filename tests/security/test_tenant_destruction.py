"""The end of a tenant carried out, with nothing left but what is certified."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD
from fixtures.database import FreshDatabase, execute, fetch
from fixtures.killable import Killable
from fixtures.market import Market, get, post
from fixtures.processes import eventually
from fixtures.tenant_deletions import (
    CANARY,
    OWNER,
    PATH,
    ask,
    audit_bundle,
    certificates,
    destroy,
    everything,
    lived_in,
    pass_time,
    rows_of,
    sql,
    state_of,
    tables_of_tenants,
    traces,
    work,
)

import woaas.audit
from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.errors import NotFound
from woaas_core.ids import decode_id
from woaas_security.tenant_deletion import destruction
from woaas_security.tenant_deletion.retained import KEPT, destroyed

pytestmark = pytest.mark.anyio


class TestDestruction:
    async def test_a_worker_killed_in_a_part_leaves_it_whole_and_the_next_goes_on(
        self, factory: Tenant, database: FreshDatabase, killable: Killable
    ) -> None:
        await lived_in(factory, CANARY)
        async with factory.client() as client:
            await ask(factory, client)
        await pass_time(database)
        assert await work(factory) == 1
        await factory.world.settle(factory)
        before = await rows_of(database, factory)
        await killable.kill_in_the_middle(killable.start("worker"), "operations", "work_orders")
        after = await rows_of(database, factory)
        assert after | {"mails": 0} == before | {"mails": 0}, "but for the mail that went out"
        killable.start("worker")
        left = f"SELECT 1 FROM users WHERE tenant_id = '{factory.id}'"
        await asyncio.to_thread(eventually, lambda: fetch(database.dsn, left) == [], "it is destroyed")
        assert traces(await everything(database)) == []

    async def test_nothing_of_the_tenant_is_left_but_what_the_certificate_says(
        self, world: World, factory: Tenant, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        clock = world.db.clock = FrozenClock(SystemClock().now())
        # Small parts, so that it takes many transactions and could be killed between any two.
        monkeypatch.setattr(destruction, "ROWS_AT_ONCE", 4)
        rival = await world.tenant("Rival")
        async with world.db.unit_of_work() as uow:
            row = await world.authenticator.as_system(uow, factory.id, "test")
        sandbox = await world.tenant(CANARY, livemode=False, organisation=row.organisation_id)
        for tenant, canary in ((factory, CANARY), (sandbox, CANARY), (rival, "zq8rival")):
            await lived_in(tenant, canary)
        bundle = tmp_path / "bundle.zip"
        async with factory.client() as client:
            asked = await ask(factory, client)
            await world.settle(factory, sandbox, rival)
            bundle.write_bytes(await audit_bundle(factory, client))
            before = await rows_of(database, rival)
            assert await work(factory) == 0
            await pass_time(database, clock)
            assert await work(factory) == 1
            assert (await client.get("/v1/work-orders")).status_code == 401
        assert traces(await everything(database))
        assert await work(factory) == 0, "nothing goes before the last entry is signed for"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not being deleted"):
            await sql(factory, "SELECT destroy_rows('work_orders', 1)")
        await world.settle(factory, sandbox, rival)
        assert await destroy(factory, clock) > 5
        (mail,) = await certificates(factory)
        certificate = json.loads(mail.text[mail.text.index("{") :])
        assert mail.to == OWNER.format(factory.id.hex[:8])
        assert certificate["requested_by"] == asked["requested_by"]
        assert certificate["destroyed"]["work_orders"] == 1
        assert set(certificate["destroyed"]) <= set(destroyed(tables_of_tenants()))
        left = {name: rows for name, rows in (await rows_of(database, factory)).items() if rows}
        assert left == {name: kept["rows"] for name, kept in certificate["kept"].items() if kept["rows"]}
        assert left["invoices"] == 1, "the books are closed with a last invoice"
        await pass_time(database, clock)
        assert await work(sandbox) == 1
        await world.settle(sandbox)
        await destroy(sandbox, clock)
        assert await certificates(sandbox) == []
        assert [await state_of(database, one) for one in (factory, sandbox)] == ["finished", "finished"]
        text = await everything(database)
        assert traces(text) == []
        assert [f for f in world.settings.home.rglob("*") if f.is_file() and CANARY.encode() in f.read_bytes()] == []
        assert OWNER.format(factory.id.hex[:8]) not in text
        assert await rows_of(database, rival) == before
        with pytest.raises(NotFound):
            await sql(factory, "SELECT 1")
        assert woaas.audit.verify(bundle).problems == []

    async def test_what_comes_in_late_is_met_before_it_is_certified(
        self, factory: Tenant, database: FreshDatabase
    ) -> None:
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        async with factory.client() as client:
            await ask(factory, client)
        await pass_time(database, clock)
        assert await work(factory) == 1
        await factory.world.settle(factory)
        while await work(factory):
            pass
        clock.advance(destruction.QUIET)
        await sql(
            factory,
            "INSERT INTO idempotency SELECT app_tenant(), 'scope', 'hash', 200, '{}', 'late', clock_timestamp()",
        )
        assert await work(factory) == 1
        assert await state_of(database, factory) == "destroying"

    async def test_what_is_shared_stays_the_other_sides(
        self, world: World, market: Market, database: FreshDatabase
    ) -> None:
        clock = world.db.clock = FrozenClock(SystemClock().now())
        contract = await market.deal()
        for tenant, client in ((market.buyer_tenant, market.buyer), (market.partner_tenant, market.partner)):
            refused = await ask(tenant, client, 409)
            assert contract["id"] in refused["unfinished"]
            assert contract["id"] in refused["detail"]
        await market.run(contract, "accept", "package", "start", "report:100", "ship", "receive", "inspect:pass")
        await market.run(contract, "accept-delivery", "settle", "close")
        await market.settle()
        paths = ["/v1/market/contracts", "/v1/market/quotes", "/v1/billing/settlements", "/v1/events"]
        paths.append(f"/v1/market/contracts/{contract['id']}")
        before = [await get(market.partner, path) for path in paths]
        signer = {"signer": OWNER.format(market.buyer_tenant.id.hex[:8]), "password": PASSWORD}
        await post(market.buyer, PATH, signer, 201)
        await pass_time(database, clock)
        assert await work(market.buyer_tenant) == 1
        await market.settle()
        await destroy(market.buyer_tenant, clock)
        assert [await get(market.partner, path) for path in paths] == before

    async def test_a_deal_made_as_it_was_asked_for_is_waited_for(self, market: Market, database: FreshDatabase) -> None:
        clock = market.world.db.clock = FrozenClock(SystemClock().now())
        contract = await market.deal()
        crossed = f"UPDATE market_contracts SET state = '{{}}' WHERE id = '{decode_id('ctr', contract['id'])}'"
        tenant = market.partner_tenant
        await asyncio.to_thread(
            execute, database.dsn, crossed.format("closed"), "UPDATE market_listings SET state = 'paused'"
        )
        await ask(tenant, market.partner)
        await asyncio.to_thread(execute, database.dsn, crossed.format("active"))
        await pass_time(database, clock)
        assert await work(tenant) == 0
        assert await state_of(database, tenant) == "closing"
        await asyncio.to_thread(execute, database.dsn, crossed.format("closed"))
        assert await work(tenant) == 1
        assert await state_of(database, tenant) == "destroying"

    @pytest.mark.parametrize(
        ("statement", "refusal"),
        [
            ("SELECT destroy_rows('work_orders', 1)", "not being deleted"),
            ("UPDATE tenant_deletions SET state = 'destroying'", "not due"),
            ("UPDATE tenant_deletions SET state = 'finished'", "not due"),
            ("UPDATE tenant_deletions SET delete_at = now()", "permission denied"),
            ("DELETE FROM tenant_deletions", "permission denied"),
        ],
    )
    async def test_the_database_itself_refuses_what_is_not_due(
        self, factory: Tenant, statement: str, refusal: str
    ) -> None:
        async with factory.client() as client:
            await ask(factory, client)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=refusal):
            await sql(factory, statement)

    async def test_none_is_begun_without_time_to_take_it_back(self, factory: Tenant) -> None:
        asked = "(app_tenant(), gen_random_uuid(), 'closing', null, now(), now(), null, null, null, null, '{}')"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not due"):
            await sql(factory, f"INSERT INTO tenant_deletions VALUES {asked}")


def test_every_table_of_tenants_is_emptied_or_kept_for_a_reason(database: FreshDatabase) -> None:
    rows = fetch(
        database.dsn,
        "SELECT c.relname::text, has_table_privilege('woaas_definer', c.oid, 'DELETE') FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
    )
    may = {str(name) for name, is_granted in rows if is_granted}
    emptied = set(destroyed(tables_of_tenants()))
    assert {str(name) for name, _ in rows} | {"tenants"} == emptied | set(KEPT)
    assert emptied == may
