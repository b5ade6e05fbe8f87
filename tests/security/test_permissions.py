"""Roles and field policies of a tenant's own: what they hide is hidden at once, and nobody gives what he has not."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

CANARY = "qz9canary"
CUSTOM = {"hardness_curve": f"{CANARY}curve", "mould_no": "M-17"}


@pytest.fixture
async def order(factory: Tenant) -> dict[str, Any]:
    """A released order whose operation carries a secret in its custom fields."""
    body = {
        "product": "P",
        "quantity": "10",
        "customer": f"{CANARY}customer",
        "custom_fields": CUSTOM,
        "release": True,
        "operations": [{"name": "Turn", "sourcing": "outsource", "custom_fields": CUSTOM}],
    }
    async with factory.client() as owner:
        made: dict[str, Any] = (await owner.post("/v1/work-orders", json=body)).json()
    return made


async def set_policy(owner: AsyncClient, expected: int = 201, **body: Any) -> dict[str, Any]:
    """A field policy, as the owner sets it."""
    answer = await owner.post("/v1/field-policies", json=body)
    assert answer.status_code == expected, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestDoor:
    async def test_who_does_not_administer_is_refused(self, factory: Tenant) -> None:
        async with factory.client("none") as nobody:
            for path in ("/v1/roles", "/v1/field-policies", "/v1/grants", "/v1/roles/planner"):
                assert (await nobody.get(path)).status_code == 401, path
        async with factory.client(await factory.key("planner")) as planner:
            for path in ("/v1/roles", "/v1/field-policies", "/v1/grants"):
                assert (await planner.get(path)).status_code == 403, path
            policy = {"resource": "work_order", "field": "title", "role": "operator", "access": "none"}
            assert (await planner.post("/v1/field-policies", json=policy)).status_code == 403
            assert (await planner.put("/v1/roles/mine", json={"name": "Mine"})).status_code == 403

    async def test_another_tenant_has_none_of_it(self, factory: Tenant, world: World) -> None:
        other = await world.tenant("Other")
        async with factory.client() as owner, other.client() as stranger:
            policy = await set_policy(owner, resource="work_order", field="title", role="operator", access="none")
            await owner.put("/v1/roles/fitter", json={"name": "Fitter", "inherits": ["operator"]})
            missing = (await stranger.get("/v1/field-policies/fpo_00000000000000000000000000")).json()
            answer = await stranger.get(f"/v1/field-policies/{policy['id']}")
            assert answer.status_code == 404
            same = {"request_id": "", "instance": ""}
            assert {**answer.json(), **same} == {**missing, **same}
            assert (await stranger.delete(f"/v1/field-policies/{policy['id']}")).status_code == 404
            assert (await stranger.get("/v1/roles/fitter")).status_code == 404
            assert (await stranger.get("/v1/field-policies")).json()["data"] == []

    async def test_built_in_roles_and_own_ones_are_listed(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            made = await owner.put("/v1/roles/fitter", json={"name": "Fitter", "inherits": ["operator"]})
            assert (made.status_code, made.headers["location"]) == (201, "/v1/roles/fitter")
            listed = (await owner.get("/v1/roles")).json()["data"]
            assert [r["code"] for r in listed][:3] == ["owner", "planner", "supervisor"]
            assert [r["code"] for r in listed if not r["is_built_in"]] == ["fitter"]
            again = await owner.put("/v1/roles/fitter", json={"name": "Fitter", "inherits": ["operator"]})
            assert (again.status_code, again.json()["version"]) == (200, 1)
            stale = await owner.put("/v1/roles/fitter", json={"name": "New"}, headers={"If-Match": '"other"'})
            assert stale.status_code == 412

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"resource": "nothing", "field": "title"}, "/resource"),
            ({"field": "zzz"}, "/field"),
            ({"field": "title.part"}, "/field"),
            ({"field": "id"}, "/field"),
            ({"role": "ghost"}, "/role"),
            ({"role": "owner"}, "/role"),
            ({"resource": "field_policy", "field": "role", "role": "auditor"}, "/access"),
            ({"resource": "contract", "field": "price", "data_class": "secret"}, "/data_class"),
        ],
    )
    async def test_a_policy_about_nothing_is_refused(self, factory: Tenant, body: dict[str, Any], pointer: str) -> None:
        valid = {"resource": "work_order", "field": "title", "role": "operator", "access": "none"}
        async with factory.client() as owner:
            answer = await owner.post("/v1/field-policies", json={**valid, **body})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer


class TestNextRequest:
    async def test_a_change_holds_in_every_process(self, factory: Tenant, world: World, order: dict[str, Any]) -> None:
        from woaas_api.app import create_app

        second = World(**{**vars(world), "app": await create_app(world.settings, database=world.db)})
        elsewhere = Tenant(factory.id, factory.owner_key, second)
        key = await factory.key("planner")
        path = f"/v1/work-orders/{order['id']}"
        async with factory.client() as owner, factory.client(key) as here, elsewhere.client(key) as there:
            for _ in range(3):
                policy = await set_policy(owner, resource="work_order", field="customer", role="planner", access="none")
                for client in (here, there):
                    assert "customer" not in (await client.get(path)).json()
                assert (await owner.delete(f"/v1/field-policies/{policy['id']}")).status_code == 204
                for client in (here, there):
                    assert (await client.get(path)).json()["customer"] == f"{CANARY}customer"

    async def test_a_failed_change_changes_nothing(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with factory.client() as owner:
            before = (await owner.get("/v1/me")).json()
            await set_policy(owner, 422, resource="work_order", field="zzz", role="planner", access="none")
            assert (await owner.get("/v1/me")).json() == before


class TestLevels:
    @pytest.mark.parametrize("access", ["none", "masked", "read", "write"])
    async def test_each_level(self, factory: Tenant, order: dict[str, Any], access: str) -> None:
        path = f"/v1/work-orders/{order['id']}"
        key = await factory.key("planner")
        async with factory.client() as owner, factory.client(key) as planner:
            await set_policy(owner, resource="work_order", field="customer", role="planner", access=access)
            shown = (await planner.get(path)).json()
            filtered = await planner.get("/v1/work-orders?customer=x")
            written = await planner.patch(path, json={"customer": "NEW"})
        assert shown.get("customer") == (f"{CANARY}customer" if access in ("read", "write") else None)
        assert ("customer" in shown) == (access != "none")
        assert shown.get("masked_fields", []) == (["/customer"] if access == "masked" else [])
        assert filtered.status_code == (200 if access in ("read", "write") else 400)
        assert written.status_code == {"none": 422, "masked": 403, "read": 403, "write": 200}[access]

    async def test_a_policy_opens_what_a_built_in_line_hides(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with factory.client() as owner, factory.client(await factory.key("operator")) as operator:
            assert "customer" not in (await operator.get(f"/v1/work-orders/{order['id']}")).json()
            await set_policy(owner, resource="work_order", field="customer", role="operator", access="read")
            assert (await operator.get(f"/v1/work-orders/{order['id']}")).json()["customer"] == f"{CANARY}customer"

    async def test_the_narrower_of_two_roles_wins(self, factory: Tenant, order: dict[str, Any]) -> None:
        key = await factory.key("planner", "supervisor")
        async with factory.client() as owner, factory.client(key) as both:
            await set_policy(owner, resource="work_order", field="customer", role="supervisor", access="none")
            assert "customer" not in (await both.get(f"/v1/work-orders/{order['id']}")).json()

    async def test_a_title_that_may_be_the_product_is_hidden_with_it(
        self, factory: Tenant, order: dict[str, Any]
    ) -> None:
        assert order["title"] == order["product"]
        async with factory.client() as owner, factory.client(await factory.key("operator")) as operator:
            await set_policy(owner, resource="work_order", field="product", role="operator", access="masked")
            shown = (await operator.get(f"/v1/work-orders/{order['id']}")).json()
            assert ("title" in shown, shown["product"], shown["masked_fields"]) == (False, None, ["/product"])
            assert (await operator.get("/v1/work-orders?title=P")).status_code == 400
            assert (await operator.get("/v1/work-orders?q=P")).json()["data"] == []
            said = (await owner.get("/v1/roles/operator?explain=permissions")).json()["explanation"]
            assert [line["field"] for line in said["work_order"]["hidden"]["title"]] == ["product"]

    async def test_what_is_hidden_survives_a_put_by_who_does_not_see_it(self, factory: Tenant) -> None:
        rate = {"amount": "100", "currency": "CNY"}
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            await owner.put("/v1/work-centers/M1", json={"name": "Lathe", "cost_per_hour": rate})
            await set_policy(owner, resource="work_center", field="cost_per_hour", role="planner", access="none")
            answer = await planner.put("/v1/work-centers/M1", json={"name": "Mill"})
            assert "cost_per_hour" not in answer.json()
            kept = (await owner.get("/v1/work-centers/M1")).json()
        assert (kept["name"], kept["cost_per_hour"]) == ("Mill", rate)


class TestMembersOfOpenFields:
    async def test_one_is_hidden_and_the_others_are_not(self, factory: Tenant, order: dict[str, Any]) -> None:
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        key = await factory.key("planner")
        async with factory.client() as owner, factory.client(key) as planner:
            await set_policy(
                owner, resource="operation", field="custom_fields.hardness_curve", role="planner", access="none"
            )
            for path in (operation, "/v1/operations", f"/v1/work-orders/{order['id']}", f"{operation}/context"):
                text = (await planner.get(path)).text.replace(f'"custom_fields":{{"hardness_curve":"{CANARY}', "", 1)
                assert f"{CANARY}curve" not in text, path
            shown = (await planner.get(operation)).json()
            assert shown["custom_fields"] == {"mould_no": "M-17"}
            hidden = await planner.get(f"/v1/operations?custom_fields.hardness_curve={CANARY}curve")
            unreal = await planner.get(f"/v1/operations?custom_fields.zzz={CANARY}curve")
            assert (hidden.status_code, unreal.status_code) == (400, 400)
            same = {"request_id": "", "detail": ""}
            assert {**hidden.json(), **same} == {**unreal.json(), **same}
            found = (await planner.get("/v1/operations?custom_fields.mould_no=M-17")).json()["data"]
            assert [o["id"] for o in found] == [shown["id"]]

    async def test_it_survives_a_write_by_who_does_not_see_it(self, factory: Tenant, order: dict[str, Any]) -> None:
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            await set_policy(
                owner, resource="operation", field="custom_fields.hardness_curve", role="planner", access="none"
            )
            refused = await planner.patch(operation, json={"custom_fields": {"hardness_curve": "x"}})
            assert (refused.status_code, refused.json()["code"]) == (422, "unknown_field")
            answer = await planner.patch(operation, json={"custom_fields": {"mould_no": "M-18"}})
            assert answer.json()["custom_fields"] == {"mould_no": "M-18"}
            kept = (await owner.get(operation)).json()["custom_fields"]
        assert kept == {"hardness_curve": f"{CANARY}curve", "mould_no": "M-18"}

    async def test_a_masked_one_is_null_with_its_pointer(self, factory: Tenant, order: dict[str, Any]) -> None:
        path = f"/v1/work-orders/{order['id']}"
        async with factory.client() as owner, factory.client(await factory.key("planner")) as planner:
            await set_policy(
                owner, resource="work_order", field="custom_fields.hardness_curve", role="planner", access="masked"
            )
            shown = (await planner.get(path)).json()
        assert shown["custom_fields"] == {"hardness_curve": None, "mould_no": "M-17"}
        assert shown["masked_fields"] == ["/custom_fields/hardness_curve"]

    async def test_a_guest_may_be_given_one_alone(self, factory: Tenant, order: dict[str, Any]) -> None:
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        async with factory.client() as owner, factory.client(await factory.key("partner")) as partner:
            assert "custom_fields" not in (await partner.get(operation)).json()
            await set_policy(owner, resource="operation", field="custom_fields.mould_no", role="partner", access="read")
            answer = await partner.get(operation)
        assert answer.json()["custom_fields"] == {"mould_no": "M-17"}
        assert CANARY not in answer.text


class TestRoles:
    async def test_a_role_has_what_it_inherits_and_more(self, factory: Tenant, order: dict[str, Any]) -> None:
        permissions = [
            {"resource": "kpi", "access": "read"},
            {"resource": "operation", "actions": ["assign"]},
            {"resource": "work_order", "field": "product", "access": "none"},
        ]
        body = {"name": "Fitter", "inherits": ["operator"], "permissions": permissions}
        async with factory.client() as owner:
            assert (await owner.put("/v1/roles/fitter", json=body)).status_code == 201
            made = await owner.post("/v1/api-keys", json={"name": "k", "roles": ["fitter"]})
            assert made.status_code == 201
        async with factory.client(made.json()["secret"]) as fitter:
            shown = (await fitter.get(f"/v1/work-orders/{order['id']}")).json()
            assert "quantity" in shown
            assert not {"product", "title", "customer"} & shown.keys()
            assert (await fitter.get("/v1/kpis")).status_code == 200
            operation = order["operations"][0]["id"]
            assert (await fitter.post(f"/v1/operations/{operation}/assign", json={})).status_code == 200

    async def test_an_archived_one_gives_nothing_and_still_forbids(
        self, factory: Tenant, order: dict[str, Any]
    ) -> None:
        body = {"name": "No", "permissions": [{"resource": "work_order", "field": "customer", "access": "none"}]}
        path = f"/v1/work-orders/{order['id']}"
        async with factory.client() as owner:
            await owner.put("/v1/roles/blind", json=body)
            await owner.put("/v1/roles/reader", json={"name": "R", "inherits": ["planner"]})
        async with (
            factory.client() as owner,
            factory.client(await factory.key("reader")) as reader,
            factory.client(await factory.key("planner", "blind")) as planner,
        ):
            assert (await reader.get(path)).status_code == 200
            for code in ("blind", "reader"):
                assert (await owner.post(f"/v1/roles/{code}/archive")).status_code == 200
            assert (await reader.get(path)).status_code == 403
            assert "customer" not in (await planner.get(path)).json()
            new = await owner.post("/v1/api-keys", json={"name": "k", "roles": ["reader"]})
            assert new.status_code == 422

    async def test_a_guest_s_role_opens_no_rows_and_no_kinds(self, factory: Tenant, order: dict[str, Any]) -> None:
        permissions = [{"resource": r, "access": "read"} for r in ("work_order", "contract", "material")]
        async with factory.client() as owner:
            await owner.put("/v1/materials/BAR", json={"name": "Bar"})
            body = {"name": "Portal", "inherits": ["customer"], "permissions": permissions}
            assert (await owner.put("/v1/roles/portal", json=body)).status_code == 201
            mixed = await owner.put("/v1/roles/odd", json={"name": "x", "inherits": ["customer", "planner"]})
            assert mixed.status_code == 422
        async with factory.client(await factory.key("portal", customer="ELSE")) as guest:
            assert (await guest.get("/v1/work-orders")).json()["data"] == []
            assert (await guest.get(f"/v1/work-orders/{order['id']}")).status_code == 404
            for path in ("/v1/materials", "/v1/materials/BAR", "/v1/market/contracts"):
                assert (await guest.get(path)).status_code == 403, path


class TestEscalation:
    async def test_nobody_gives_what_he_has_not(self, factory: Tenant) -> None:
        permissions = [{"resource": r, "access": "write", "actions": a} for r, a in (
            ("role", ["create", "archive"]), ("field_policy", ["create", "delete"]), ("api_key", ["create"]),
            ("grant", ["create", "revoke"]))]  # fmt: skip
        body = {"name": "Admin", "inherits": ["operator"], "permissions": permissions}
        async with factory.client() as owner:
            assert (await owner.put("/v1/roles/admin", json=body)).status_code == 201
            hide: dict[str, Any] = {"resource": "work_order", "field": "title", "role": "admin", "access": "none"}
            hidden = await set_policy(owner, 201, **hide)
            lifted = await set_policy(owner, 201, **{**hide, "role": "planner"})
        async with factory.client(await factory.key("admin")) as admin:
            for code, inherits in (("p", ["planner"]), ("o", ["owner"])):
                assert (
                    await admin.put(f"/v1/roles/{code}", json={"name": "x", "inherits": inherits})
                ).status_code == 403
                made = await admin.post("/v1/api-keys", json={"name": "x", "roles": inherits})
                assert made.status_code == 403
            assert (await admin.put("/v1/roles/f", json={"name": "x", "inherits": ["operator"]})).status_code == 403
            for policy in (hidden, lifted):
                assert (await admin.delete(f"/v1/field-policies/{policy['id']}")).status_code == 403
            opened = {"resource": "work_order", "field": "customer", "role": "operator", "access": "read"}
            assert (await admin.post("/v1/field-policies", json=opened)).status_code == 403
            narrowed = {**opened, "role": "planner", "access": "none"}
            assert (await admin.post("/v1/field-policies", json=narrowed)).status_code == 201
            grant = {"resource": "work_order", "fields": ["title"], "to": "operator", "purpose": "x",
                     "expires_at": "2029-01-01T00:00:00Z"}  # fmt: skip
            assert (await admin.post("/v1/grants", json=grant)).status_code in (403, 422)

    async def test_me_names_as_writable_only_what_a_request_writes(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            told = (await owner.get("/v1/me")).json()["permissions"]
        for fields in told.values():
            assert not {"id", "version", "created_at", "updated_at", "stage"} & set(fields["writable"])
        assert {"title", "customer", "custom_fields"} <= set(told["work_order"]["writable"])
        assert told["event"]["writable"] == []


class TestExplanation:
    async def test_lines_are_named_to_who_may_read_policies(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with factory.client() as owner:
            await set_policy(owner, resource="work_order", field="customer", role="planner", access="none")
            about = (await owner.get("/v1/roles/planner?explain=permissions")).json()["explanation"]["work_order"]
            (line,) = about["hidden"]["customer"]
            assert (line["role"], line["effect"], line["source"]) == ("planner", "deny", "tenant")
            assert (await owner.get("/v1/work-orders?explain=other")).status_code == 400
        async with factory.client(await factory.key("planner")) as planner:
            for path in (f"/v1/work-orders/{order['id']}", "/v1/work-orders"):
                said = (await planner.get(f"{path}?explain=permissions")).json()["explanation"]["work_order"]
                assert "hidden" not in said
                assert "customer" not in said["readable"]
            assert "explanation" not in (await planner.get(path)).json()
