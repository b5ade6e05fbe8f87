"""The end of a tenant: asked for by an owner, taken back or carried out, with nothing left but what is certified."""

import asyncio
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, submit
from fixtures.database import FreshDatabase, fetch
from fixtures.killable import Killable
from fixtures.market import Market, get, post
from fixtures.processes import eventually
from httpx import AsyncClient
from sqlalchemy import Table

import woaas.audit
from woaas_api.openapi import COMMITTED
from woaas_api.subjects import RESOURCES
from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.db.statements import Statement
from woaas_core.errors import NotFound
from woaas_core.mail import Mail
from woaas_infra.schedule import JOBS
from woaas_infra.tables import complete_metadata
from woaas_security.identity import outbox
from woaas_security.principal import OPEN_TO_THE_END
from woaas_security.tenant_deletion import certificates as certifying
from woaas_security.tenant_deletion import destruction
from woaas_security.tenant_deletion.retained import KEPT, destroyed

pytestmark = pytest.mark.anyio

(JOB,) = (job for job in JOBS if job.name == "tenant_deletions")
CANARY = "zq9canary"
PATH = "/v1/tenant/deletion"
OPEN = {
    *(PATH, f"{PATH}/cancel", "/v1/tenant/exports", "/v1/exports", "/v1/exports/{key}/stop", "/v1/audit/exports"),
    *("/v1/legal-holds", "/v1/legal-holds/{key}/release", "/v1/me/sessions/{session}/end"),
}
OWNER = "owner@{}.example"
AFTERWARDS = timedelta(days=31)


async def ask(tenant: Tenant, client: AsyncClient, status: int = 201) -> Any:
    """An owner of his own asks for it."""
    return await post(client, PATH, {"signer": await person(tenant, "owner"), "password": PASSWORD}, status)


async def work(tenant: Tenant) -> int:
    """What the worker does in one transaction, if it would look into the tenant at all."""
    async with tenant.world.db.unit_of_work() as uow:
        due = [row[0] for row in await uow.all(JOB.tenants, now=uow.clock.now())]
    if tenant.id not in due:
        return 0
    async with tenant.world.db.unit_of_work() as uow:
        principal = await tenant.world.authenticator.as_system(uow, tenant.id, JOB.name)
        return await JOB.work(uow, principal)


async def pass_time(database: FreshDatabase, clock: FrozenClock | None = None) -> None:
    """Let the grace period be over, for the application and for the database, which has a clock of its own."""
    if clock is not None:
        clock.advance(AFTERWARDS)
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE tenant_deletions SET requested_at = requested_at - interval '31 days', "
            "delete_at = delete_at - interval '31 days'"
        )
    finally:
        await connection.close()


async def sql(tenant: Tenant, statement: str) -> None:
    """A statement in the tenant with the rights of the application."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        await uow.execute(Statement.text(statement))


async def mails(tenant: Tenant) -> list[Any]:
    """The mails that are due, as they go out."""
    world = tenant.world
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, tenant.id, "mail")
        taken = await outbox.take(uow, world.authenticator.keyring, "http://x")
        for one in taken:
            await outbox.settle(uow, one)
    return [one.mail for one in taken]


async def certificates(tenant: Tenant) -> list[Mail]:
    """The certificate as it goes out."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        mails = await certifying.take(uow)
        if mails:
            await certifying.finish(uow)
    return mails


async def audit_bundle(tenant: Tenant, client: AsyncClient) -> bytes:
    """The whole log of a tenant, to take along."""
    export = await post(client, "/v1/audit/exports", {}, 202)
    await tenant.world.settle(tenant)
    return (await client.get(f"/v1/audit/exports/{export['id']}/download")).content


async def select(database: FreshDatabase, statement: str) -> list[Any]:
    """What a superuser reads."""
    connection = await asyncpg.connect(database.dsn)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def everything(database: FreshDatabase) -> str:
    """All rows of all tables as text."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    each = [f'SELECT t::text FROM "{name}" t' for (name,) in await select(database, tables)]
    return "\n".join(row for (row,) in await select(database, " UNION ALL ".join(each)))


def traces(text: str, canary: str = CANARY) -> list[str]:
    return re.findall(f".{{0,60}}(?:{canary}|{canary.encode().hex()}).{{0,20}}", text)


async def lived_in(tenant: Tenant, canary: str) -> None:
    """Rows in many tables, each with the canary."""
    async with tenant.client() as client:
        await client.put(f"/v1/customers/{canary}", json={"name": canary, "email": f"{canary}@x.example"})
        body = {"product": canary, "quantity": "1", "title": canary, "custom_fields": {"x": canary}, "release": True,
                "operations": [{"name": canary}]}  # fmt: skip
        order = (await client.post("/v1/work-orders", json=body, headers={"Idempotency-Key": canary})).json()
        step = order["operations"][0]["id"]
        await client.post(f"/v1/operations/{step}/reports", json={"kind": "run", "good": "1", "scrap_reason": canary})
        said = {"subject": step, "name": f"{canary}.txt"}
        file = await client.post("/v1/attachments", params=said, content=canary.encode())
        assert file.status_code == 201, file.text
        assert (await client.post("/v1/api-keys", json={"name": canary, "roles": ["planner"]})).status_code == 201
        await client.put(f"/v1/roles/{canary}", json={"name": canary, "inherits": ["quality"]})


def tables_of_tenants() -> list[Table]:
    """Those with rows of tenants, each of one."""
    return [table for table in complete_metadata().sorted_tables if "tenant" in table.info]


async def rows_of(database: FreshDatabase, tenant: Tenant) -> dict[str, int]:
    """How many rows a tenant has in each table."""
    column = {t.name: t.info.get("tenant_column", "tenant_id") for t in tables_of_tenants()}
    counts = (f"SELECT '{name}', count(*) FROM \"{name}\" WHERE {of} = '{tenant.id}'" for name, of in column.items())
    return {str(name): int(str(rows)) for name, rows in await select(database, " UNION ALL ".join(counts))}


async def state_of(database: FreshDatabase, tenant: Tenant) -> object:
    """How far its deletion is."""
    ((state,),) = await select(database, f"SELECT state FROM tenant_deletions WHERE tenant_id = '{tenant.id}'")
    return state


async def destroy(tenant: Tenant, clock: FrozenClock) -> int:
    """Everything of a tenant whose last entry is sealed, until the certificate is made; in how many parts."""
    parts = 0
    while await work(tenant):
        parts += 1
    clock.advance(destruction.QUIET)
    assert await work(tenant) == 1
    assert await work(tenant) == 0
    return parts


class TestAsking:
    async def test_only_owners_who_give_their_password_may(self, world: World, factory: Tenant) -> None:
        owner, planner = await person(factory, "owner"), await person(factory, "planner")
        body = {"signer": owner, "password": PASSWORD}
        async with factory.client() as client:
            assert (await client.post(PATH, json=body, headers={"Authorization": ""})).status_code == 401
            assert (await client.post(PATH, json=body | {"password": "nope"})).status_code == 401
            assert (await client.post(PATH, json=body | {"signer": planner})).status_code == 403
            assert (await client.get(PATH)).status_code == 404
        async with factory.client(await factory.key("planner")) as other:
            assert (await other.post(PATH, json=body)).status_code == 403
            assert (await other.post(f"{PATH}/cancel")).status_code == 403
        rival = await world.tenant("Rival")
        async with rival.client() as theirs:
            assert (await theirs.get(PATH)).status_code == 404

    async def test_a_closing_tenant_is_read_and_not_changed_until_it_is_taken_back(self, factory: Tenant) -> None:
        member = await person(factory, "planner")
        order = {"product": "P", "quantity": "1"}
        async with factory.client() as client, factory.client(await factory.key("planner")) as planner:
            made = (await client.post("/v1/work-orders", json=order)).json()
            asked = await ask(factory, client)
            assert asked["state"] == "closing"
            assert (await client.post(PATH, json={"signer": "x", "password": "x"})).status_code in (401, 409)
            for caller in (client, planner):
                refused = await caller.post("/v1/work-orders", json=order)
                assert (refused.status_code, refused.json()["code"]) == (409, "tenant_closing")
                changed = await caller.patch(f"/v1/work-orders/{made['id']}", json={"priority": 1})
                assert changed.status_code in (403, 409)
                assert (await caller.get(f"/v1/work-orders/{made['id']}")).status_code == 200
            told = {mail.to: mail for mail in await mails(factory)}
            assert "download everything" in told[member].text
            export = {"signer": OWNER.format(factory.id.hex[:8]), "password": PASSWORD}
            assert (await client.post("/v1/tenant/exports", json=export)).status_code == 202
            async with browser(factory) as console:
                assert (await submit(console, "/console/sign-in", email=member, password=PASSWORD)).status_code == 303
            back = await client.post(f"{PATH}/cancel")
            assert (back.status_code, back.json()["state"]) == (200, "cancelled")
            assert (await client.get(PATH)).status_code == 404
            assert (await client.post("/v1/work-orders", json=order)).status_code == 201
            assert {mail.subject for mail in await mails(factory)} == {"Your WOaaS tenant stays"}
        assert await work(factory) == 0

    async def test_a_legal_hold_forbids_it_and_a_later_one_stops_it(
        self, factory: Tenant, database: FreshDatabase
    ) -> None:
        clock = factory.world.db.clock = FrozenClock(SystemClock().now())
        async with factory.client() as client:
            held = (await client.post("/v1/legal-holds", json={"subject": "*", "reason": "suit"})).json()
            body = {"signer": await person(factory, "owner"), "password": PASSWORD}
            refused = await client.post(PATH, json=body)
            assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
            await client.post(f"/v1/legal-holds/{held['id']}/release")
            assert (await client.post(PATH, json=body)).status_code == 201
            assert (await client.post("/v1/legal-holds", json={"subject": "*", "reason": "again"})).status_code == 201
        await pass_time(database, clock)
        assert await work(factory) == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not due"):
            await sql(factory, "UPDATE tenant_deletions SET state = 'destroying'")
        async with factory.client() as client:
            assert (await client.get(PATH)).json()["state"] == "closing"

    async def test_access_is_taken_away_while_closing_and_not_given(self, factory: Tenant) -> None:
        app = {"name": "App", "type": "confidential", "grant_types": ["client_credentials"], "roles": ["planner"],
               "scopes": ["work_orders:read"]}  # fmt: skip
        hook = {"url": "https://hooks.example.com/in", "events": ["work_order.*"]}
        until = (SystemClock().now() + AFTERWARDS).isoformat()
        grant = {"resource": "work_order", "fields": ["title"], "purpose": "audit", "expires_at": until}
        planner = await person(factory, "planner")
        async with factory.client() as client:
            key = await post(client, "/v1/api-keys", {"name": "k", "roles": ["planner"]}, 201)
            given = {
                "api-keys/{}/revoke": key,
                "grants/{}/revoke": await post(client, "/v1/grants", {**grant, "to": key["id"]}, 201),
                "oauth-clients/{}/archive": await post(client, "/v1/oauth-clients", app, 201),
                "webhook-endpoints/{}/archive": await post(client, "/v1/webhook-endpoints", hook, 201),
            }
            (member,) = [m for m in (await get(client, "/v1/members"))["data"] if m["email"] == planner]
            async with browser(factory) as console:
                await submit(console, "/console/sign-in", email=planner, password=PASSWORD)
                await ask(factory, client)
                await post(client, f"/v1/members/{member['id']}/suspend")
                assert (await console.get("/console/account")).status_code == 303
            for path, made in given.items():
                await post(client, f"/v1/{path.format(made['id'])}")
            assert (await factory.client(key["secret"]).get("/v1/work-orders")).status_code == 401
            for path, body in (("api-keys", {"name": "k", "roles": ["planner"]}), ("oauth-clients", app)):
                assert (await post(client, f"/v1/{path}", body, 409))["code"] == "tenant_closing"

    async def test_no_operation_changes_anything_while_closing(self, factory: Tenant, database: FreshDatabase) -> None:
        async with factory.client() as client:
            order = {"product": "P", "quantity": "1", "operations": [{"name": "a"}]}
            made = (await client.post("/v1/work-orders", json=order)).json()
            await ask(factory, client)
            before = await rows_of(database, factory)
            answers = Counter[int]()
            for path, operations in json.loads(COMMITTED.read_text())["paths"].items():
                for method in operations.keys() & {"post", "put", "patch", "delete"}:
                    if path in OPEN:
                        continue
                    key = made["operations"][0]["id"] if "/operations/" in path else made["id"]
                    url = re.sub(r"{\w+}", "c1" if "{code}" in path else key, path)
                    name = {"name": "n"} if method == "put" else {}
                    answer = await client.request(method, url, json=name)
                    # A change of nothing is none.
                    assert answer.status_code >= 400 or method == "patch", (method, path, answer.text)
                    answers[answer.status_code] += answer.json().get("code") == "tenant_closing"
            assert answers[409] > 50, answers
            after = await rows_of(database, factory)
            changed = {name for name in after if after[name] != before[name]}
            assert changed <= {"event", "log", "idempotency", "sign_in_failures"}, changed

    async def test_every_kind_of_object_is_only_read(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await ask(factory, client)
        async with factory.world.db.unit_of_work() as uow:
            owner = await factory.world.authenticator.by_bearer(uow, factory.owner_key)
        for resource in RESOURCES:
            access = owner.access(resource)
            assert access.actions <= {"read"} | OPEN_TO_THE_END.get(resource.name, frozenset()), resource.name
            assert access.at_most().writable == frozenset(), resource.name


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
        assert set(certificate["destroyed"]) <= set(destroyed(complete_metadata().sorted_tables))
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

    @pytest.mark.parametrize(
        ("statement", "refusal"),
        [
            ("SELECT destroy_rows('work_orders', 1)", "not being deleted"),
            ("UPDATE tenant_deletions SET state = 'destroying'", "not due"),
            ("UPDATE tenant_deletions SET state = 'finished'", "not due"),
            ("UPDATE tenant_deletions SET delete_at = now()", "permission denied"),
            ("DELETE FROM tenant_deletions", "permission denied"),
            ("INSERT INTO tenant_deletions SELECT tenant_id, gen_random_uuid(), 'closing', null, now(), now(), null, "
             "null, null, null, '{}' FROM tenant_deletions", "not due"),
        ],
    )  # fmt: skip
    async def test_the_database_itself_refuses_what_is_not_due(
        self, factory: Tenant, statement: str, refusal: str
    ) -> None:
        async with factory.client() as client:
            await ask(factory, client)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=refusal):
            await sql(factory, statement)


def test_every_table_of_tenants_is_emptied_or_kept_for_a_reason(database: FreshDatabase) -> None:
    rows = fetch(
        database.dsn,
        "SELECT c.relname::text, has_table_privilege('woaas_definer', c.oid, 'DELETE') FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
    )
    may = {str(name) for name, is_granted in rows if is_granted}
    emptied = set(destroyed(complete_metadata().sorted_tables))
    assert {str(name) for name, _ in rows} | {"tenants"} == emptied | set(KEPT)
    assert emptied == may
