"""The door `/v1/webhook-endpoints`: who makes them, what of them is shown, what they may be sent to."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.receivers import Post, endpoint, post_office
from httpx import ASGITransport, AsyncClient

from woaas_core.events.envelope import event_types
from woaas_work_orders.webhooks import patterns, service

pytestmark = pytest.mark.anyio
DOOR = "/v1/webhook-endpoints"
BODY = {"url": "https://example.com/hook", "events": ["work_order.*"]}


@pytest.fixture
async def post(world: World) -> Post:
    return await post_office(world)


@pytest.fixture
async def owner(factory: Tenant) -> AsyncIterator[AsyncClient]:
    async with factory.client() as client:
        yield client


class TestWhoMayDoWhat:
    async def test_nobody_else_gets_at_them(self, world: World, factory: Tenant, post: Post) -> None:
        made = await endpoint(factory)
        await _test(factory, made["id"])
        await post.deliver(factory)
        async with factory.client() as client:
            (delivery,) = (await client.get(f"{DOOR}/{made['id']}/deliveries")).json()["data"]
        of_one = f"{DOOR}/{made['id']}"
        doors = [
            *(("GET", of_one + rest) for rest in ("", "/deliveries", f"/deliveries/{delivery['id']}")),
            ("PATCH", of_one),
            *(("POST", of_one + rest) for rest in ("/test", "/pause", "/resume", "/rotate-secret", "/archive")),
            ("POST", f"{of_one}/deliveries/{delivery['id']}/replay"),
        ]
        async with AsyncClient(transport=ASGITransport(world.app), base_url="http://woaas.test") as anybody:
            for method, path in (("GET", DOOR), ("POST", DOOR), *doors):
                assert (await anybody.request(method, path)).status_code == 401, path
        other = await world.tenant("Other")
        async with other.client() as client:
            assert (await client.get(DOOR)).json()["data"] == []
            for method, path in doors:
                answer = await client.request(method, path, json=None if method == "GET" else {})
                assert answer.status_code == 404, path
        for role in ("planner", "supervisor", "operator", "quality", "partner", "customer"):
            async with factory.client(await factory.key(role, customer="c" if role == "customer" else None)) as client:
                assert (await client.get(DOOR)).status_code == 403, role
                assert (await client.post(DOOR, json=BODY)).status_code == 403, role
        async with factory.client(await factory.key("auditor")) as client:
            assert (await client.get(of_one)).status_code == 200
            assert (await client.post(DOOR, json=BODY)).status_code == 403
        async with factory.client(await factory.key("developer")) as client:
            assert (await client.post(DOOR, json=BODY)).status_code == 201
            assert (await client.get(of_one)).status_code == 200

    async def test_a_field_that_is_not_granted_is_absent(self, factory: Tenant, owner: AsyncClient) -> None:
        made = await endpoint(factory)
        policy = {"resource": "webhook_endpoint", "field": "url", "role": "developer", "access": "none"}
        assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
        async with factory.client(await factory.key("developer")) as client:
            assert "url" not in (await client.get(f"{DOOR}/{made['id']}")).json()
            assert "url" not in (await client.get(DOOR)).json()["data"][0]
            refused = await client.post(DOOR, json=BODY)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/url")

    async def test_whoever_may_not_follow_events_makes_none(self, factory: Tenant, owner: AsyncClient) -> None:
        writes = [{"resource": "webhook_endpoint", "field": name, "access": "write"} for name in ("url", "events")]
        role = {"name": "Hooks", "permissions": [{"resource": "webhook_endpoint", "actions": ["create"]}, *writes]}
        made = await owner.put("/v1/roles/hooks", json=role)
        assert made.status_code == 201, made.text
        async with factory.client(await factory.key("hooks")) as client:
            assert (await client.post(DOOR, json=BODY)).status_code == 403

    async def test_only_its_maker_changes_an_address(self, factory: Tenant, owner: AsyncClient) -> None:
        made = await endpoint(factory)
        elsewhere = {"url": "https://elsewhere.example/hook"}
        async with factory.client(await factory.key("developer")) as developer:
            assert (await developer.patch(f"{DOOR}/{made['id']}", json=elsewhere)).status_code == 403
            named = await developer.patch(f"{DOOR}/{made['id']}", json={"name": "ERP"})
            assert (named.status_code, named.json()["name"], named.json()["version"]) == (200, "ERP", 2)
        assert (await owner.patch(f"{DOOR}/{made['id']}", json=elsewhere)).json()["url"] == elsewhere["url"]


class TestMaking:
    async def test_the_secret_is_shown_once(self, owner: AsyncClient) -> None:
        key = {"Idempotency-Key": "once"}
        made = await owner.post(DOOR, json=BODY, headers=key)
        assert made.status_code == 201
        assert made.headers["location"] == f"{DOOR}/{made.json()['id']}"
        assert made.json()["secret"].startswith("whsec_")
        again = await owner.post(DOOR, json=BODY, headers=key)
        assert (again.status_code, again.json()) == (201, {**made.json(), "secret": None})
        assert again.headers["idempotent-replayed"] == "true"
        read = await owner.get(made.headers["location"])
        assert "secret" not in read.text.replace("previous_secret_expires_at", "")
        assert len((await owner.get(DOOR)).json()["data"]) == 1

    async def test_an_address_that_is_not_for_us_is_refused(self, owner: AsyncClient, factory: Tenant) -> None:
        made = await endpoint(factory)
        for url in (
            "http://example.com/hook", "https://169.254.169.254/latest", "https://127.0.0.1/", "https://localhost/x",
            "https://[::1]/", "https://0x7f.1/", "https://user:pass@example.com/", "https://example.com:22/",
            "https://[::ffff:10.0.0.1]/", "ftp://example.com/", "https://metadata.internal/",
        ):  # fmt: skip
            refused = await owner.post(DOOR, json={**BODY, "url": url})
            assert (refused.status_code, refused.json()["code"]) == (422, "ssrf_blocked"), url
            refused = await owner.patch(f"{DOOR}/{made['id']}", json={"url": url})
            assert (refused.status_code, refused.json()["code"]) == (422, "ssrf_blocked"), url

    async def test_events_that_there_are_not_are_refused(self, owner: AsyncClient) -> None:
        for pattern in ("work_order.burnt", "order.*", "work_order", "**", "restricted_fields.observed"):
            refused = await owner.post(DOOR, json={**BODY, "events": ["*", pattern]})
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/events/1"), pattern

    async def test_every_type_of_the_catalogue_may_be_wanted(self, owner: AsyncClient) -> None:
        names = [kind["type"] for kind in (await owner.get("/v1/event-types")).json()["data"]]
        assert patterns.checked(names) == names == [kind.name for kind in event_types()]
        assert (await owner.post(DOOR, json={**BODY, "events": names[:50]})).json()["events"] == names[:50]

    async def test_there_is_an_end_to_how_many(
        self, owner: AsyncClient, factory: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "MOST_ENDPOINTS", 2)
        made = [await endpoint(factory) for _ in range(2)]
        assert (await owner.post(DOOR, json=BODY)).status_code == 409
        assert (await owner.post(f"{DOOR}/{made[0]['id']}/archive")).json()["state"] == "archived"
        assert (await owner.post(DOOR, json=BODY)).status_code == 201

    async def test_a_sandbox_has_its_own(self, world: World, factory: Tenant) -> None:
        await endpoint(factory)
        sandbox = await world.tenant("Sandbox", livemode=False)
        async with sandbox.client() as client:
            assert (await client.get(DOOR)).json()["data"] == []
        assert (await endpoint(sandbox))["livemode"] is False


class TestCommands:
    async def test_each_write_is_in_the_log_and_no_secret_is(
        self, world: World, factory: Tenant, owner: AsyncClient
    ) -> None:
        made = await endpoint(factory)
        here = f"{DOOR}/{made['id']}"
        secrets = [made["secret"]]
        for path, body in (
            ("", {"events": ["*"]}), ("/pause", {}), ("/resume", {}), ("/rotate-secret", {}), ("/test", {}),
            ("/archive", {}),
        ):  # fmt: skip
            answer = await owner.request("PATCH" if path == "" else "POST", here + path, json=body)
            assert answer.status_code in (200, 202), answer.text
            secrets.append(answer.json().get("secret"))
        await world.settle(factory)
        feed = await owner.get("/v1/events?type=webhook_endpoint.*")
        assert [e["type"].partition(".")[2] for e in feed.json()["data"]] == [
            *("created", "changed", "paused", "resumed", "secret_rotated", "tested", "archived")
        ]
        entries = (await owner.get("/v1/audit/entries?limit=200")).text
        assert not [s for s in secrets if s and (s in entries or s in feed.text)]
        assert (await owner.post(f"{here}/resume")).status_code == 409

    async def test_stale_changes_are_refused(self, factory: Tenant, owner: AsyncClient) -> None:
        here = f"{DOOR}/{(await endpoint(factory))['id']}"
        tag = (await owner.get(here)).headers["etag"]
        assert (await owner.patch(here, json={"name": "a"}, headers={"If-Match": tag})).status_code == 200
        assert (await owner.patch(here, json={"name": "b"}, headers={"If-Match": tag})).status_code == 412
        assert (await owner.post(f"{here}/pause", headers={"If-Match": tag})).status_code == 412

    async def test_a_password_of_the_database_alone_opens_no_secret(self, world: World, factory: Tenant) -> None:
        made = await endpoint(factory)
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            kept = await uow.connection.fetchrow("SELECT * FROM webhook_endpoints")
        assert kept is not None
        assert made["secret"].encode() not in msgspec.json.encode(dict(kept), enc_hook=str)


async def _test(tenant: Tenant, endpoint_id: str) -> None:
    async with tenant.client() as client:
        assert (await client.post(f"{DOOR}/{endpoint_id}/test")).status_code == 202
