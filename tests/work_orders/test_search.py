"""`/v1/search`: what one reads is found, in every language; what is hidden is neither found, told of nor counted."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.database import fetch
from httpx import AsyncClient

pytestmark = pytest.mark.anyio
NOTHING = {"data": [], "facets": {"kind": {}, "state": {}}}

TEXTS: dict[str, dict[str, int]] = {
    "机床": {"work_order": 1, "material": 1},
    "床主": {"work_order": 1},
    "车": {"operation": 1},
    "g 车削": {"operation": 1},
    "100%": {"operation": 1},
    "d_b": {"operation": 1},
    "_": {"operation": 1},
    "\\": {},
    "sn-c": {"asset": 1},
    "WO-000001": {"work_order": 1},
}


@pytest.fixture
async def plant(factory: Tenant) -> list[dict[str, Any]]:
    """Two orders with operations and some master data."""
    async with factory.client() as client:
        orders = [
            {"product": "CABLE-HEAD", "quantity": "1", "title": "Cable Head, batch 7", "customer": "ACME",
             "data_class": "secret", "operations": [{"name": "Turning 车削"}, {"name": "100% checked_by hand"}]},
            {"product": "GEAR", "quantity": "1", "title": "数控机床主轴", "customer": "CABLE-CO", "release": True,
             "operations": [{"name": "Milling"}]},
        ]  # fmt: skip
        made = [await client.post("/v1/work-orders", json=order) for order in orders]
        assert {one.status_code for one in made} == {201}, [one.text for one in made]
        for path, body in (
            ("customers/C-7", {"name": "Cable & Co"}),
            ("materials/BAR-12", {"name": "机床 bar", "unit": "pcs"}),
            ("assets/A-1", {"name": "Lathe", "serial_number": "SN-CABLE"}),
            ("work-centers/M-1", {"name": "Cable press"}),
        ):
            assert (await client.put(f"/v1/{path}", json=body)).status_code == 201
        return [one.json() for one in made]


async def found(client: AsyncClient, q: str, **more: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def policy(factory: Tenant, **body: Any) -> None:
    async with factory.client() as owner:
        answer = await owner.post("/v1/field-policies", json={"role": "planner", "access": "none", **body})
        assert answer.status_code == 201, answer.text


class TestDoor:
    async def test_who_asks_and_what(self, factory: Tenant, world: World, plant: object) -> None:
        other = await world.tenant("Other")
        async with factory.client("none") as nobody, factory.client() as owner, other.client() as stranger:
            assert (await nobody.get("/v1/search?q=cable")).status_code == 401
            assert await found(stranger, "cable") == NOTHING
            for query in ("", "q=", "q=%20", f"q={'x' * 201}", "q=a&limit=0", "q=a&limit=51", "q=a&cursor=x", "q=a%00"):
                assert (await owner.get(f"/v1/search?{query}")).status_code == 400, query
            async with factory.client(await factory.key("partner")) as partner:
                hidden = await partner.get("/v1/search?q=a&kinds=customer")
                missing = await owner.get("/v1/search?q=a&kinds=nothing")
                assert [a.json()["code"] for a in (hidden, missing)] == ["unknown_field"] * 2


class TestHits:
    async def test_it_finds_all_kinds_with_what_they_are_called(
        self, factory: Tenant, plant: list[dict[str, Any]]
    ) -> None:
        async with factory.client() as client:
            answer = await found(client, "cAbLe")
            assert answer["facets"]["kind"] == {"work_order": 2, "customer": 1, "asset": 1, "work_center": 1}
            assert answer["facets"]["state"] == {"draft": 1, "released": 1}
            best = answer["data"][0]
            assert (best["kind"], best["number"], best["title"]) == ("work_order", "WO-000002", "数控机床主轴")
            told = [(h["field"], h["text"][h["start"] : h["end"]]) for h in answer["data"][1]["highlights"]]
            assert told == [("title", "Cable"), ("product", "CABLE")]
            assert (await found(client, "cable", kinds="customer,asset"))["facets"]["kind"] == {
                "customer": 1,
                "asset": 1,
            }
            assert len((await found(client, "cable", limit=1))["data"]) == 1
            exact = (await found(client, "c-7"))["data"]
            assert [(h["kind"], h["code"]) for h in exact] == [("customer", "C-7")]

    async def test_text_of_any_length_and_language(self, factory: Tenant, plant: object) -> None:
        async with factory.client() as client:
            for q, kinds in TEXTS.items():
                answer = await found(client, q)
                assert answer["facets"]["kind"] == kinds, q
                assert len(answer["data"]) == sum(kinds.values())
                assert all(hit["highlights"] for hit in answer["data"])
                for kind, path in (("work_order", "work-orders"), ("operation", "operations"), ("asset", "assets")):
                    listed = (await client.get(f"/v1/{path}", params={"q": q})).json()["data"]
                    assert len(listed) == kinds.get(kind, 0), (q, path)


class TestMasks:
    async def test_text_of_a_hidden_field_is_nowhere(self, factory: Tenant, plant: object) -> None:
        async with factory.client(await factory.key("planner")) as planner:
            assert (await found(planner, "acme"))["facets"]["kind"] == {"work_order": 1}
            await policy(factory, resource="work_order", field="customer")
            assert await found(planner, "acme") == NOTHING
            await policy(factory, resource="customer", field="name", access="masked")
            assert await found(planner, "& Co") == NOTHING
            assert [h["code"] for h in (await found(planner, "c-7"))["data"]] == ["C-7"]
            await policy(factory, resource="work_order", field="state")
            left = await found(planner, "GEAR")
            assert (left["facets"], left["data"][0].get("state")) == ({"kind": {"work_order": 1}, "state": {}}, None)

    async def test_a_field_hidden_in_one_class_of_data(self, factory: Tenant, plant: object) -> None:
        await policy(factory, resource="work_order", field="product", data_class="secret")
        async with factory.client(await factory.key("planner")) as planner:
            assert await found(planner, "cable-head") == NOTHING
            assert (await found(planner, "gear"))["facets"]["kind"] == {"work_order": 1}
            assert (await found(planner, "WO-0"))["facets"]["kind"] == {"work_order": 2}

    async def test_rows_are_those_of_the_lists(self, factory: Tenant, plant: list[dict[str, Any]]) -> None:
        async with factory.client(await factory.key("customer", customer="ACME")) as guest:
            answer = await found(guest, "a")
            assert [hit["id"] for hit in answer["data"]] == [plant[0]["id"]]
            assert answer["facets"] == {"kind": {"work_order": 1}, "state": {"draft": 1}}
            assert await found(guest, "gear") == NOTHING
        async with factory.client() as owner:
            scope = {"work_orders": [plant[1]["id"]]}
            key = await owner.post("/v1/api-keys", json={"name": "k", "roles": ["planner"], "scope": scope})
        async with factory.client(key.json()["secret"]) as bounded:
            assert (await found(bounded, "ing"))["facets"]["kind"] == {"operation": 1}


def test_the_function_stays_in_its_tenant_and_uses_the_index(database: Any) -> None:
    assert fetch(database.as_role("woaas_app"), "SELECT * FROM search_ids('work_order', '{number}', '%')") == []
    names = fetch(database.dsn, "SELECT indexdef::text FROM pg_indexes WHERE indexname LIKE 'ix_%_searched'")
    assert len(names) == 3
    assert all("USING gin (tenant_id" in str(name) for (name,) in names)
