"""The end of a tenant: asked for by an owner, taken back or carried out, with nothing left but what is certified."""

import asyncio
import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, submit
from fixtures.database import FreshDatabase, fetch
from fixtures.killable import Killable
from fixtures.processes import eventually
from httpx import AsyncClient

from woaas_api.openapi import COMMITTED
from woaas_api.subjects import RESOURCES
from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.db.statements import Statement
from woaas_infra.schedule import JOBS
from woaas_infra.tables import complete_metadata
from woaas_security.identity import outbox
from woaas_security.principal import OPEN_TO_THE_END
from woaas_security.tenant_deletion import destruction
from woaas_security.tenant_deletion.retained import KEPT, LAST, destroyed

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
AS_WORKER = Statement.text("SET LOCAL ROLE woaas_worker")


async def ask(tenant: Tenant, client: AsyncClient, **changes: str) -> dict[str, Any]:
    body = {"signer": await person(tenant, "owner"), "password": PASSWORD, **changes}
    made = await client.post(PATH, json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def work(tenant: Tenant) -> int:
    """What the worker does in one transaction, if it would look into the tenant at all."""
    async with tenant.world.db.unit_of_work() as uow:
        await uow.execute(AS_WORKER)
        due = [row[0] for row in await uow.all(JOB.tenants, now=uow.clock.now())]
    if tenant.id not in due:
        return 0
    async with tenant.world.db.unit_of_work() as uow:
        await uow.execute(AS_WORKER)
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
            "delete_at = delete_at - interval '31 days', started_at = started_at - interval '31 days'"
        )
    finally:
        await connection.close()


async def sql(tenant: Tenant, statement: str, *, is_worker: bool = True) -> None:
    """A statement in the tenant with the rights of the worker or of requests."""
    async with tenant.world.db.unit_of_work() as uow:
        if is_worker:
            await uow.execute(AS_WORKER)
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


async def everything(database: FreshDatabase) -> str:
    """All rows of all tables as text."""
    connection = await asyncpg.connect(database.dsn)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        rows = [await connection.fetchval(f'SELECT string_agg(t::text, chr(10)) FROM "{n}" t') for (n,) in names]
    finally:
        await connection.close()
    return "\n".join(row for row in rows if row)


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


async def rows_of(tenant: Tenant) -> dict[str, int]:
    """How many rows a tenant has in each table."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        names = [t.name for t in complete_metadata().sorted_tables if "tenant" in t.info and t.name != "pending"]
        return {name: await uow.value(Statement.text(f'SELECT count(*) FROM "{name}"')) for name in names}


async def state_of(tenant: Tenant) -> str:
    """How far its deletion is."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        return str(await uow.value(Statement.text("SELECT state FROM tenant_deletions")))


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

    async def test_no_operation_changes_anything_while_closing(self, factory: Tenant) -> None:
        async with factory.client() as client:
            made = (await client.post("/v1/work-orders", json={"product": "P", "operations": [{"name": "a"}]})).json()
            await ask(factory, client)
            before = await rows_of(factory)
            answers = Counter[int]()
            for path, operations in json.loads(COMMITTED.read_text())["paths"].items():
                for method in operations.keys() & {"post", "put", "patch", "delete"}:
                    if path in OPEN:
                        continue
                    key = made["operations"][0]["id"] if "/operations/" in path else made["id"]
                    url = re.sub(r"{\w+}", "c1" if "{code}" in path else key, path)
                    name = {"name": "n"} if method == "put" else {}
                    answer = await client.request(method, url, json=name)
                    assert answer.status_code >= 400, (method, path, answer.text)
                    answers[answer.status_code] += answer.json()["code"] == "tenant_closing"
            assert answers[409] > 60, answers
            after = await rows_of(factory)
            changed = {name for name in after if after[name] != before[name]}
            assert changed <= {"event", "log", "idempotency", "sign_in_failures"}, changed

    async def test_every_kind_of_object_is_only_read(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await ask(factory, client)
        async with factory.world.db.unit_of_work() as uow:
            owner = await factory.world.authenticator.by_bearer(uow, factory.owner_key)
        for resource in RESOURCES:
            access = owner.access(resource)
            if resource.name not in OPEN_TO_THE_END:
                assert access.actions <= {"read"}, resource.name
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
        await pass_time(database)
        await factory.world.settle(factory)
        before = await rows_of(factory)
        await killable.kill_in_the_middle(killable.start("worker"), "operations", "work_orders")
        assert (await rows_of(factory))["operations"] == before["operations"] > 0
        killable.start("worker")
        ended = "SELECT 1 FROM tenant_deletions WHERE state IN ('certified', 'finished')"
        await asyncio.to_thread(eventually, lambda: fetch(database.dsn, ended) != [], "the deletion ends")
        assert traces(await everything(database)) == []

    async def test_nothing_of_the_tenant_is_left_but_what_the_certificate_says(
        self, world: World, factory: Tenant, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = world.db.clock = FrozenClock(SystemClock().now())
        # Small parts, so that it takes many transactions and could be killed between any two.
        monkeypatch.setattr(destruction, "ROWS_AT_ONCE", 4)
        rival = await world.tenant("Rival")
        async with world.db.unit_of_work() as uow:
            row = await world.authenticator.as_system(uow, factory.id, "test")
        sandbox = await world.tenant(CANARY, livemode=False, organisation=row.organisation_id)
        await lived_in(factory, CANARY)
        await lived_in(sandbox, CANARY)
        await lived_in(rival, "zq8rival")
        async with factory.client() as client:
            asked = await ask(factory, client)
            await world.settle(factory, sandbox, rival)
            before = await rows_of(rival)
            assert await work(factory) == 0
            await pass_time(database, clock)
            assert await work(factory) == 1
            assert (await client.get("/v1/work-orders")).status_code == 401
        assert traces(await everything(database))
        clock.advance(destruction.QUIET)
        assert await work(factory) == 0, "nothing goes before the last entry is signed for"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not being deleted"):
            await sql(factory, "SELECT destroy_rows('work_orders', 1)")
        await world.settle(factory, sandbox, rival)
        steps = 0
        while await work(factory):
            steps += 1
            assert steps < 500
        assert steps > 5
        (mail,) = [m for m in await mails(factory) if m.subject == "Your WOaaS tenant is deleted"]
        certificate = json.loads(mail.text[mail.text.index("{") :])
        assert certificate["requested_by"] == asked["requested_by"]
        assert certificate["destroyed"]["work_orders"] == 1
        assert set(certificate["destroyed"]) == set(destroyed(complete_metadata().sorted_tables))
        assert certificate["kept"]["log"]["rows"] > 5
        assert "woaas" in certificate["checkpoint"]
        while await work(factory):
            pass
        await pass_time(database, clock)
        assert await work(sandbox) == 1
        clock.advance(destruction.QUIET)
        await world.settle(sandbox)
        while await work(sandbox):
            pass
        left = await everything(database)
        assert traces(left) == []
        assert await rows_of(rival) == before
        assert "finished" in await state_of(factory)
        assert "finished" in await state_of(sandbox)

    @pytest.mark.parametrize(
        ("statement", "refusal"),
        [
            ("SELECT destroy_rows('work_orders', 1)", "not being deleted"),
            ("UPDATE tenant_deletions SET state = 'destroying'", "not due"),
            ("UPDATE tenant_deletions SET state = 'finished'", "not due"),
            ("UPDATE tenant_deletions SET delete_at = now()", "permission denied"),
            ("DELETE FROM tenant_deletions", "permission denied"),
            ("INSERT INTO tenant_deletions SELECT tenant_id, gen_random_uuid(), 'closing', null, now(), now(), null, "
             "null, null, '{}', '{}' FROM tenant_deletions", "not due"),
        ],
    )  # fmt: skip
    async def test_the_database_itself_refuses_what_is_not_due(
        self, factory: Tenant, statement: str, refusal: str
    ) -> None:
        async with factory.client() as client:
            await ask(factory, client)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=refusal):
            await sql(factory, statement)

    @pytest.mark.parametrize(
        "call", ["destroy_rows('work_orders', 1)", "close_sandboxes(now())", "withdraw_from_market()"]
    )
    async def test_requests_cannot_even_call_it(self, factory: Tenant, call: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await sql(factory, f"SELECT {call}", is_worker=False)


def test_every_table_of_tenants_is_emptied_or_kept_for_a_reason(database: FreshDatabase) -> None:
    rows = fetch(
        database.dsn,
        "SELECT c.relname::text, has_table_privilege('woaas_definer', c.oid, 'DELETE') FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
    )
    may = {str(name) for name, is_granted in rows if is_granted}
    emptied = {*destroyed(complete_metadata().sorted_tables), *LAST}
    assert {str(name) for name, _ in rows} | {"tenants"} == emptied | set(KEPT)
    assert emptied == may
