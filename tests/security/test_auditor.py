"""An auditor's access until a date: he reads and exports, changes nothing, leaves a trace, and is out by himself."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, submit
from fixtures.database import fetch
from fixtures.postman import Postman
from httpx import AsyncClient, Response

pytestmark = pytest.mark.anyio
UNTIL = "2099-01-31T00:00:00Z"
AUDITOR = {"email": "ann@auditors.example", "name": "Ann", "roles": ["auditor"], "access_until": UNTIL}
CONSOLE = {"Woaas-Console": "1"}
# The database judges by its own clock, so the end is moved instead of the time.
END_NOW = "UPDATE users SET access_until = clock_timestamp() WHERE email = 'ann@auditors.example'"


async def join(tenant: Tenant, client: AsyncClient) -> None:
    """Take the link that was sent, and sign in."""
    postman = Postman(tenant.world)
    await postman.round()
    link = postman.link()
    data = {"token": link.partition("token=")[2], "password": PASSWORD}
    assert (await submit(client, "/console/join", link, **data)).status_code == 303
    assert (await sign_in(client)).status_code == 303


async def sign_in(client: AsyncClient) -> Response:
    """Give the password at the console."""
    return await submit(client, "/console/sign-in", email="ann@auditors.example", password=PASSWORD)


@pytest.fixture
async def auditor(factory: Tenant) -> AsyncIterator[AsyncClient]:
    """An auditor's browser, signed in until a date."""
    async with factory.client() as owner, browser(factory) as client:
        made = await owner.post("/v1/members", json=AUDITOR)
        assert (made.status_code, made.json()["access_until"]) == (201, UNTIL)
        await join(factory, client)
        client.headers.update(CONSOLE)
        yield client


class TestWhileItLasts:
    async def test_he_reads_and_changes_nothing(self, factory: Tenant, auditor: AsyncClient) -> None:
        async with factory.client() as owner:
            order = (await owner.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()["id"]
            made = (await owner.post("/v1/api-keys", json={"name": "k", "roles": ["auditor"]})).json()
        for path in ("/v1/audit/entries", "/v1/audit/checkpoints", "/v1/audit/archives", f"/v1/work-orders/{order}"):
            assert (await auditor.get(path)).status_code == 200, path
        for method, path, body in (
            ("POST", "/v1/work-orders", {"product": "P", "quantity": "1"}),
            ("POST", f"/v1/work-orders/{order}/release", {}),
            ("PUT", "/v1/audit/retention", {"archive_after_days": 30}),
            ("POST", "/v1/legal-holds", {"subject": "*", "reason": "x"}),
            ("POST", "/v1/members", {"email": "x@y.example", "name": "X", "roles": ["auditor"]}),
        ):
            async with factory.client(made["secret"]) as by_key:
                answer = await by_key.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (path, answer.text)

    async def test_his_reading_of_the_log_is_in_it_once_an_hour(
        self, world: World, factory: Tenant, auditor: AsyncClient
    ) -> None:
        for _ in range(3):
            assert (await auditor.get("/v1/audit/entries")).status_code == 200
        await world.settle(factory)
        async with factory.client() as owner:
            query = "/v1/audit/entries?type=audit_entry.observed"
            mine = (await auditor.get("/v1/me")).json()["id"]
            found = (await owner.get(query)).json()["data"]
        assert [e["subject"] for e in found if e["subject"] == mine] == [mine]


class TestAfterwards:
    async def test_the_next_request_is_refused_in_every_way_he_had(
        self, world: World, factory: Tenant, auditor: AsyncClient
    ) -> None:
        key = await factory.key("auditor")
        made_by = "UPDATE api_keys SET created_by = (SELECT id FROM users WHERE email = 'ann@auditors.example') "
        made_by += "WHERE roles = '{auditor}'"
        dsn = world.settings.database_url
        await asyncio.to_thread(fetch, dsn, made_by)
        async with factory.client(key) as by_key, browser(factory) as again:
            for client in (auditor, by_key):
                assert (await client.get("/v1/audit/entries")).status_code == 200
            await asyncio.to_thread(fetch, dsn, END_NOW)
            for client in (auditor, by_key):
                assert (await client.get("/v1/audit/entries")).status_code == 401
            assert (await sign_in(again)).status_code != 303
            assert (await again.get("/v1/me", headers=CONSOLE)).status_code == 401

    async def test_an_end_that_is_moved_lets_him_in_again(
        self, world: World, factory: Tenant, auditor: AsyncClient
    ) -> None:
        await asyncio.to_thread(fetch, world.settings.database_url, END_NOW)
        assert (await auditor.get("/v1/audit/entries")).status_code == 401
        async with factory.client() as owner:
            (ann,) = [m for m in (await owner.get("/v1/members")).json()["data"] if m["name"] == "Ann"]
            past = await owner.patch(f"/v1/members/{ann['id']}", json={"access_until": "2020-01-01T00:00:00Z"})
            assert past.status_code == 422
            moved = await owner.patch(f"/v1/members/{ann['id']}", json={"access_until": UNTIL})
            assert moved.json()["access_until"] == UNTIL
        assert (await auditor.get("/v1/audit/entries")).status_code == 200


async def test_the_last_owner_for_good_gets_no_end(factory: Tenant) -> None:
    async with factory.client() as owner, browser(factory) as client:
        boss = {**AUDITOR, "roles": ["owner"], "access_until": None}
        made = (await owner.post("/v1/members", json=boss)).json()
        await join(factory, client)
        answer = await owner.patch(f"/v1/members/{made['id']}", json={"access_until": UNTIL})
        # A key owns nothing: of people he is the last.
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
