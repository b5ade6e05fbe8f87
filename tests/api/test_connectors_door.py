"""The door to connectors: who sees them, what a body may say, and that a password never comes out."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.brokers import Plant, ingesting, needs_mosquitto, with_broker
from httpx import ASGITransport, AsyncClient

pytestmark = pytest.mark.anyio
BROKER = {"host": "broker.example.com", "username": "woaas", "password": "canary-7f3a"}
TAG = {"tag": "s", "topic": "m1/state", "work_center": "m1", "means": "state"}


async def put(tenant: Tenant, code: str = "hall", key: str | None = None, **body: Any) -> Any:
    async with tenant.client(key) as http:
        return await http.put(f"/v1/connectors/{code}", json=body)


class TestWho:
    async def test_anonymous_gets_in_nowhere(self, world: World) -> None:
        async with AsyncClient(transport=ASGITransport(app=world.app), base_url="http://woaas.test") as http:
            assert (await http.get("/v1/connectors")).status_code == 401
            assert (await http.put("/v1/connectors/hall", json={})).status_code == 401
            assert (await http.post("/v1/connectors/hall/test")).status_code == 401

    async def test_another_tenants_are_not_there(self, world: World, factory: Tenant) -> None:
        made = (await put(factory, broker=BROKER)).json()
        other = await world.tenant("Other")
        async with other.client() as http:
            for code in ("hall", made["id"]):
                assert (await http.get(f"/v1/connectors/{code}")).status_code == 404
                for command in ("enable", "disable", "test", "credentials"):
                    assert (await http.post(f"/v1/connectors/{code}/{command}")).status_code == 404
            assert (await http.get("/v1/connectors")).json()["data"] == []
        assert (await put(other, broker=BROKER)).status_code == 201

    async def test_roles_see_and_do_what_the_policy_says(self, factory: Tenant) -> None:
        await put(factory, broker=BROKER)
        for role, read, write in (("planner", 200, 200), ("supervisor", 200, 403), ("operator", 403, 403)):
            key = await factory.key(role)
            async with factory.client(key) as http:
                assert (await http.get("/v1/connectors/hall")).status_code == read, role
            assert (await put(factory, key=key, broker=BROKER)).status_code == write, role

    async def test_a_field_not_granted_is_absent(self, factory: Tenant) -> None:
        await put(factory, broker=BROKER)
        async with factory.client() as http:
            policy = {"resource": "connector", "field": "broker", "role": "supervisor", "access": "none"}
            assert (await http.post("/v1/field-policies", json=policy)).status_code == 201
        async with factory.client(await factory.key("supervisor")) as http:
            assert "broker" not in (await http.get("/v1/connectors/hall")).json()


class TestBody:
    async def test_a_password_goes_in_and_never_comes_out(self, world: World, factory: Tenant) -> None:
        made = await put(factory, broker=BROKER, tags=[TAG])
        assert made.status_code == 201
        assert made.headers["Location"] == "/v1/connectors/hall"
        said = made.text
        async with factory.client() as http:
            for path in ("/v1/connectors", "/v1/connectors/hall", "/v1/audit/entries"):
                said += (await http.get(path)).text
        assert "canary" not in said
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            kept = await uow.connection.fetch("SELECT c::text, e::text FROM connectors c, event e")
        assert kept
        assert b"canary".hex() not in str(kept)
        assert "canary" not in str(kept)

    async def test_a_stored_password_stays_but_goes_to_no_other_broker(self, factory: Tenant) -> None:
        await put(factory, broker=BROKER)
        same = {k: v for k, v in BROKER.items() if k != "password"}
        assert (await put(factory, broker=same, name="Hall")).json()["version"] == 2
        assert (await put(factory, broker=BROKER, name="Hall")).json()["version"] == 2
        moved = await put(factory, broker={**same, "host": "attacker.example.com"})
        assert (moved.status_code, moved.json()["errors"][0]["pointer"]) == (422, "/broker/password")
        assert (await put(factory, broker={**same, "host": "other.example.com", "password": None})).status_code == 200

    @pytest.mark.parametrize("host", ["10.1.2.3", "127.0.0.1", "localhost", "169.254.169.254", "[::1]", "2130706433"])
    async def test_an_address_inside_is_refused_unless_the_operator_listed_it(
        self, world: World, factory: Tenant, host: str
    ) -> None:
        refused = await put(factory, broker={"host": host})
        assert (refused.status_code, refused.json()["code"]) == (422, "ssrf_blocked")
        await with_broker(world, 0)
        assert (await put(factory, broker={"host": host})).status_code == (
            201 if host in ("127.0.0.1", "localhost") else 422
        )

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"tags": [TAG, TAG]}, "/tags/0/tag"),
            ({"tags": [TAG | {"topic": "m1/#"}]}, "/tags/0/topic"),
            ({"tags": [TAG | {"work_center": None}]}, "/tags/0/work_center"),
            ({"sparkplug": True, "broker": BROKER, "tags": [TAG]}, "/tags/0/metric"),
            ({"sparkplug": True, "broker": BROKER, "tags": [TAG | {"topic": "one"}]}, "/tags/0/topic"),
            ({"stale_after": "PT0S"}, "/stale_after"),
            ({"broker": BROKER | {"port": 0}}, "/broker/port"),
            ({"kind": "opcua"}, "/kind"),
        ],
    )
    async def test_what_cannot_work_is_refused_where_it_stands(
        self, factory: Tenant, body: dict[str, Any], pointer: str
    ) -> None:
        refused = await put(factory, **body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_commands_record_a_fact_once(self, factory: Tenant) -> None:
        plant = Plant(factory, BROKER, 0)
        await plant.put("hall")
        for command, state in (("disable", "disabled"), ("disable", "disabled"), ("enable", "enabled")):
            assert (await plant.post(f"/v1/connectors/hall/{command}"))["state"] == state
        assert len(await plant.events("connector.disabled")) == 1
        assert len(await plant.events("connector.enabled")) == 1
        async with factory.client() as http:
            assert (await http.post("/v1/connectors/hall/credentials")).status_code == 422
            assert (await http.get("/v1/connectors/hall/test")).status_code == 404


@needs_mosquitto
class TestSelfTest:
    async def test_it_says_pass_or_fail_of_each_tag_with_its_last_value(self, world: World, plant: Plant) -> None:
        await plant.work_center("m1")
        tags = [
            TAG,
            TAG | {"tag": "heat", "topic": "m1/heat", "metric": "c", "means": "value"},
            TAG | {"tag": "never", "topic": "m1/never"},
            TAG | {"tag": "odd", "topic": "m1/odd"},
            TAG | {"tag": "lost", "work_center": "m9"},
        ]
        await plant.put("hall", tags=tags)
        await plant.post("/v1/connectors/hall/disable")
        async with plant.gateway() as gateway:
            for topic, message in (("m1/state", b"up"), ("m1/heat", b'{"c": 81.5}'), ("m1/odd", b"grinding")):
                await gateway.publish(topic, message, qos=1, retain=True)
        async with ingesting(world):
            done = await plant.post("/v1/connectors/hall/test")
        assert (done["status"], done["result"]) == ("finished", "failed")
        assert done["broker"] == {"reach": "passed", "tls": "not_used", "credentials": "passed", "error": None}
        found = {tag["tag"]: tag for tag in done["tags"]}
        assert {name: tag["result"] for name, tag in found.items()} == {
            "s": "passed", "heat": "passed", "never": "failed", "odd": "failed", "lost": "failed"
        }  # fmt: skip
        assert (found["s"]["value"], found["heat"]["value"]) == ("up", "81.5")
        assert found["heat"]["seen_at"]
        assert found["never"]["reason"] == "never_seen"
        assert "grinding" in found["odd"]["reason"]
        assert await plant.get("/v1/connectors/hall/test") == done
        # A test changes nothing.
        assert await plant.state("m1") is None
        assert (await plant.get("/v1/connectors/hall"))["received"] == 0

    @pytest.mark.parametrize(
        ("change", "verdict"),
        [
            ({"password": "wrong"}, ("passed", "not_used", "failed")),
            ({"tls": True}, ("passed", "failed", "unknown")),
            ({"port": 1}, ("failed", "not_used", "unknown")),
        ],
    )
    async def test_it_says_which_step_of_connecting_failed(
        self, world: World, plant: Plant, change: dict[str, Any], verdict: tuple[str, str, str]
    ) -> None:
        assert plant.broker is not None
        plant.broker |= change
        await plant.put("hall")
        async with ingesting(world):
            done = await plant.post("/v1/connectors/hall/test")
        broker = done["broker"]
        assert (broker["reach"], broker["tls"], broker["credentials"]) == verdict, broker
        assert done["result"] == "failed"
        assert broker["error"]
