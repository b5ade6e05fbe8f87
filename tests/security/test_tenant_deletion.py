"""The end of a tenant: asked for by an owner, refused, waited for and taken back."""

import json
import re
from collections import Counter

import asyncpg
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, submit
from fixtures.database import FreshDatabase
from fixtures.market import get, post
from fixtures.tenant_deletions import AFTERWARDS, OWNER, PATH, ask, mails, pass_time, rows_of, sql, work

from woaas_api.openapi import COMMITTED
from woaas_api.subjects import RESOURCES
from woaas_core.clock import FrozenClock, SystemClock
from woaas_security.principal import OPEN_TO_THE_END

pytestmark = pytest.mark.anyio

OPEN = {
    *(PATH, f"{PATH}/cancel", "/v1/tenant/exports", "/v1/exports", "/v1/exports/{key}/stop", "/v1/audit/exports"),
    *("/v1/legal-holds", "/v1/legal-holds/{key}/release", "/v1/me/sessions/{session}/end"),
}


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
