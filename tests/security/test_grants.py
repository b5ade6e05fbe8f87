"""Fields opened for a purpose and a time; and policies that hold for one class of data alone."""

from datetime import timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from httpx import AsyncClient

from woaas_core.clock import SystemClock

pytestmark = pytest.mark.anyio

CANARY = "gr7canary"


class MovedClock:
    """The system's clock, moved by hand."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> Any:
        """The moved time."""
        return SystemClock().now() + self.by


@pytest.fixture
async def operation(factory: Tenant) -> str:
    """The path of an operation that may go out, with a secret of its own."""
    steps = [{"name": "Paint", "sourcing": "outsource", "custom_fields": {"curve": CANARY, "colour": "red"}}]
    async with factory.client() as owner:
        order = await owner.post("/v1/work-orders", json={"product": "P", "quantity": "1", "operations": steps})
        policy = {"resource": "operation", "field": "custom_fields.curve", "role": "partner", "access": "none"}
        assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
    return f"/v1/operations/{order.json()['operations'][0]['id']}"


async def grant(owner: AsyncClient, to: str = "partner", **body: Any) -> dict[str, Any]:
    """A grant of the secret for an hour."""
    at = (SystemClock().now() + timedelta(hours=1)).isoformat()
    asked = {"resource": "operation", "fields": ["custom_fields.curve"], "to": to, "purpose": f"audit {CANARY}?"}
    answer = await owner.post("/v1/grants", json={**asked, "expires_at": at, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_it_begins_with_the_next_request_and_ends_by_itself(
    factory: Tenant, world: World, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovedClock()
    monkeypatch.setattr(world.db, "clock", clock)
    async with factory.client() as owner, factory.client(await factory.key("partner")) as partner:
        assert CANARY not in (await partner.get(operation)).text
        await grant(owner)
        assert (await partner.get(operation)).json()["custom_fields"] == {"curve": CANARY}
        assert CANARY in (await partner.get("/v1/operations")).text
        assert len((await partner.get(f"/v1/operations?custom_fields.curve={CANARY}")).json()["data"]) == 1
        clock.by = timedelta(minutes=61)
        assert CANARY not in (await partner.get(operation)).text
        assert (await partner.get(f"/v1/operations?custom_fields.curve={CANARY}")).status_code == 400


async def test_it_is_revoked_at_once_and_is_one_s_own(factory: Tenant, operation: str) -> None:
    async with factory.client() as owner:
        made = (await owner.post("/v1/api-keys", json={"name": "k", "roles": ["partner"]})).json()
    async with (
        factory.client() as owner,
        factory.client(made["secret"]) as partner,
        factory.client(await factory.key("partner")) as other,
    ):
        given = await grant(owner, made["id"])
        assert CANARY in (await partner.get(operation)).text
        assert CANARY not in (await other.get(operation)).text
        assert (await owner.post(f"/v1/grants/{given['id']}/revoke")).json()["revoked_at"]
        assert CANARY not in (await partner.get(operation)).text
        assert [g["id"] for g in (await owner.get("/v1/grants")).json()["data"]] == [given["id"]]


async def test_each_use_is_an_entry_that_names_the_purpose(factory: Tenant, world: World, operation: str) -> None:
    async with factory.client() as owner, factory.client(await factory.key("partner")) as partner:
        given = await grant(owner)
        for _ in range(2):
            await partner.get(operation)
        await partner.get("/v1/me")
        await world.settle(factory)
        entries = (await owner.get(f"/v1/audit/entries?subject={given['id']}")).json()["data"]
        used = [e for e in entries if e["type"] == "grant.observed"]
        assert len(used) == 3
        assert all(e["changes"]["purpose"] == f"audit {CANARY}?" for e in used)
        assert {e["actor"]["type"] for e in used} == {"api_key"}
        assert CANARY not in (await owner.get("/v1/events")).text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"to": "ghost"}, "/to"),
        ({"to": "key_00000000000000000000000001"}, "/to"),
        ({"fields": ["zzz"]}, "/fields/0"),
        ({"resource": "api_key", "fields": ["name"]}, "/resource"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2199-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
async def test_what_makes_no_sense_is_refused(factory: Tenant, body: dict[str, Any], pointer: str) -> None:
    at = (SystemClock().now() + timedelta(hours=1)).isoformat()
    valid = {"resource": "operation", "fields": ["name"], "to": "partner", "purpose": "x", "expires_at": at}
    async with factory.client() as owner:
        answer = await owner.post("/v1/grants", json={**valid, **body})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_grant_opens_no_rows_to_a_guest(factory: Tenant, operation: str) -> None:
    async with factory.client() as owner, factory.client(await factory.key("partner")) as partner:
        await grant(owner, resource="work_order", fields=["*"])
        await grant(owner, resource="contract", fields=["*"])
        for path in ("/v1/work-orders", "/v1/market/contracts"):
            assert (await partner.get(path)).status_code == 403, path


async def test_what_is_open_for_a_while_is_handed_on_to_nobody(factory: Tenant, operation: str) -> None:
    """Else whoever got it for an hour would give it to himself for a year, or to a role for good."""
    secret = {"resource": "work_order", "field": "customer"}
    lines: list[dict[str, Any]] = [
        {"resource": kind, "field": "*", "access": "write", "actions": ["create"]} for kind in ("grant", "field_policy")
    ]
    steward = {"name": "Steward", "inherits": ["planner"], "permissions": [*lines, {**secret, "access": "none"}]}
    async with factory.client() as owner:
        assert (await owner.put("/v1/roles/steward", json=steward)).status_code == 201
        made = (await owner.post("/v1/api-keys", json={"name": "k", "roles": ["steward"]})).json()
        order = (await owner.post("/v1/work-orders", json={"product": "P", "quantity": "1", "customer": CANARY})).json()
        opened = {"resource": "work_order", "fields": ["customer"]}
        await grant(owner, made["id"], **opened)
        async with factory.client(made["secret"]) as client:
            assert CANARY in (await client.get(f"/v1/work-orders/{order['id']}")).text
            at = (SystemClock().now() + timedelta(days=300)).isoformat()
            for path, body in (
                ("/v1/grants", {**opened, "to": made["id"], "purpose": "more", "expires_at": at}),
                ("/v1/field-policies", {**secret, "role": "operator", "access": "read"}),
            ):
                answer = await client.post(path, json=body)
                assert answer.status_code == 403, (path, answer.text)


class TestDataClass:
    async def test_a_policy_holds_for_one_class_alone(self, factory: Tenant) -> None:
        made: dict[str, str] = {}
        async with factory.client() as owner:
            for name, data_class in (("secret", "secret"), ("public", None), ("other", "internal")):
                body = {
                    "product": "P",
                    "quantity": "1",
                    "title": f"{name}-{CANARY}",
                    "customer": f"{CANARY}-{name}",
                    "data_class": data_class,
                    "release": True,
                    "operations": [{"name": f"{CANARY}-step-{name}"}],
                }
                order = (await owner.post("/v1/work-orders", json=body)).json()
                made[name] = order["id"]
                step = order["operations"][0]["id"]
                report = {"kind": "run", "good": "1", "operator": f"{CANARY}-{name}"}
                await owner.post(f"/v1/operations/{step}/reports", json=report)
                made[f"{name}-step"] = step
            for resource, field in (("work_order", "customer"), ("operation", "name"), ("report", "operator")):
                policy = {"resource": resource, "field": field, "role": "planner", "access": "none"}
                answer = await owner.post("/v1/field-policies", json={**policy, "data_class": "secret"})
                assert answer.json()["data_class"] == "secret"
        hidden = (f"{CANARY}-secret", f"{CANARY}-step-secret")
        async with factory.client(await factory.key("planner")) as planner:
            listed = {o["id"]: o for o in (await planner.get("/v1/work-orders?expand=operations")).json()["data"]}
            assert "customer" not in listed[made["secret"]]
            assert "version" not in listed[made["secret"]]
            assert listed[made["public"]]["customer"] == f"{CANARY}-public"
            assert listed[made["other"]]["version"]
            for path in (
                "/v1/work-orders", "/v1/work-orders?expand=operations", "/v1/operations",
                f"/v1/work-orders/{made['secret']}", f"/v1/operations/{made['secret-step']}",
                f"/v1/operations/{made['secret-step']}/reports", f"/v1/work-orders?q={CANARY}-secret",
                f"/v1/work-orders?customer={CANARY}-secret", f"/v1/work-orders?customer[gt]={CANARY}-r",
                f"/v1/operations?q={CANARY}-step-s", "/v1/work-orders?sort=customer", "/v1/operations?sort=-name",
                "/v1/events", f"/v1/work-orders/{made['secret']}/timeline",
            ):  # fmt: skip
                answer = await planner.get(path)
                assert answer.status_code == 200, path
                assert not any(text in answer.text for text in hidden), path
            # Neither filter, search nor order tells of a hidden value: its row is one without any.
            for query in (f"q={CANARY}-secret", f"customer={CANARY}-secret", f"customer[gt]={CANARY}-r"):
                assert (await planner.get(f"/v1/work-orders?{query}")).json()["data"] == [], query
            page, seen = "/v1/work-orders?sort=customer&limit=1", []
            cursor: str | None = ""
            while cursor is not None:
                answer = await planner.get(page + (f"&cursor={cursor}" if cursor else ""))
                seen += [o["id"] for o in answer.json()["data"]]
                cursor = answer.json()["next_cursor"]
            assert seen == [made["other"], made["public"], made["secret"]]
            steps = "operations { name reports(first: 5) { operator } }"
            query = f"{{ workOrders(first: 5) {{ edges {{ node {{ id customer {steps} }} }} }} }}"
            graph = await planner.post("/graphql", json={"query": query})
            assert f"{CANARY}-public" in graph.text
            assert not any(text in graph.text for text in hidden)
            refused = await planner.patch(f"/v1/work-orders/{made['secret']}", json={"customer": "X"})
            assert refused.status_code == 422
            written = await planner.patch(f"/v1/work-orders/{made['public']}", json={"customer": "X"})
            assert written.json()["customer"] == "X"
