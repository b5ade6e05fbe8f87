"""Lists: filters, sorting with nulls last, keyset pages that stand still under inserts, bound cursors."""

import itertools
from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

ORDERS: list[dict[str, Any]] = [
    {"product": "A", "quantity": "2", "title": "one", "priority": 1, "due_at": "2026-12-03T00:00:00Z"},
    {"product": "B", "quantity": "10", "title": "two", "priority": 3, "customer": "ACME"},
    {"product": "A", "quantity": "9.5", "title": "THREE", "due_at": "2026-12-01T00:00:00Z", "participants": ["x"]},
    {
        "product": "C",
        "quantity": "1",
        "title": "50% off_",
        "priority": 1,
        "custom_fields": {"mould_no": "M-17", "n": 3},
    },
    {"product": "B", "quantity": "0.5", "title": "fünf", "due_at": "2026-12-03T00:00:00Z", "site": "S1"},
    {"product": "A", "quantity": "7", "title": "零件", "priority": 5, "customer": "BETA", "release": True},
]


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        for order in ORDERS:
            assert (await client.post("/v1/work-orders", json=order)).status_code == 201
        yield client


async def titles(client: AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"/v1/work-orders?{query}")
    assert answer.status_code == 200, answer.text
    return [o["title"] for o in answer.json()["data"]]


async def walk(client: AsyncClient, query: str, limit: int) -> list[dict[str, Any]]:
    """Every object of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor = None
    for _ in range(100):
        page = (await client.get(f"/v1/work-orders?{query}&limit={limit}&cursor={cursor or ''}")).json()
        found += page["data"]
        assert len(page["data"]) <= limit
        cursor = page["next_cursor"]
        if cursor is None:
            return found
        assert len(page["data"]) == limit
    raise AssertionError("a list without end")


class TestFilters:
    FOUND = (
        ("product=A", "零件,THREE,one"),
        ("product=A,C", "零件,50% off_,THREE,one"),
        ("product[in]=C,B", "fünf,50% off_,two"),
        ("product[ne]=A", "fünf,50% off_,two"),
        ("customer[ne]=ACME", "零件,fünf,50% off_,THREE,one"),
        ("quantity[gt]=7", "THREE,two"),
        ("quantity[gte]=7.0&quantity[lt]=10", "零件,THREE"),
        ("priority[lte]=1", "50% off_,one"),
        ("due_at[lt]=2026-12-03T00:00:00Z", "THREE"),
        ("due_at[lte]=2026-12-03T08:00:00%2B08:00", "fünf,THREE,one"),
        ("due_at=2026-12-01T00:00:00Z", "THREE"),
        ("state=released", "零件"),
        ("state=released,draft&priority=5", "零件"),
        ("custom_fields.mould_no=M-17", "50% off_"),
        ("custom_fields.n=3", "50% off_"),
        ("custom_fields.none=3", ""),
        ("participants=x", "THREE"),
        ("participants=x,zzz", "THREE"),
        ("participants=z", ""),
        ("export_controlled=false&priority=5", "零件"),
        ("q=three", "THREE"),
        ("q=50%25 off_", "50% off_"),
        ("q=0%25 o", "50% off_"),
        ("q=f_nf", ""),
        ("q=acme", "two"),
        ("q=wo-00000", "零件,fünf,50% off_,THREE,two,one"),
        ("customer=", ""),
        ("site=S1&product=B", "fünf"),
    )

    async def test_what_they_find(self, client: AsyncClient) -> None:
        for query, found in self.FOUND:
            assert await titles(client, query) == [t for t in found.split(",") if t], query

    REFUSED = (
        "zzz=1", "title[like]=x", "quantity=ten", "quantity[gt]=NaN", "priority=1.5", "due_at=tomorrow", "stages.x=1",
         "due_at=2026-12-01T00:00:00", "due_at[lt]=0001-01-01T00:00:00%2B14:00", "export_controlled=maybe",
         "priority=99999999999", "priority=" + "9" * 5000, "quantity=1e999999", "id[zzz]=1", "custom_fields=x",
         "title.x=1", "participants[ne]=x", "participants[lt]=x", "[eq]=1", "title[eq=1", "Title=x", "title%00=x",
         "title=%00", "unit=pcs", "sort=zzz", "sort=stages", "sort=custom_fields", "sort=participants", "sort=unit",
         "sort=--title", "sort=" + ",".join(["title"] * 100), "fields=zzz", "expand=zzz", "stages=1", "version=1",
    )  # fmt: skip

    async def test_what_they_refuse(self, client: AsyncClient) -> None:
        for query in self.REFUSED:
            answer = await client.get(f"/v1/work-orders?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field"), query

    async def test_predecessors_cannot_be_filtered(self, client: AsyncClient) -> None:
        for query in ("predecessors.x=1", "materials.x=1", "sort=predecessors"):
            assert (await client.get(f"/v1/operations?{query}")).status_code == 400, query

    async def test_there_is_an_end_to_them(self, client: AsyncClient) -> None:
        many = "&".join(f"custom_fields.f{i}=1" for i in range(21))
        assert (await client.get(f"/v1/work-orders?{many}")).status_code == 400

    async def test_an_id_of_another_kind_matches_nothing(self, client: AsyncClient) -> None:
        order = (await client.get("/v1/work-orders")).json()["data"][0]
        assert len(await titles(client, f"id={order['id']}")) == 1
        assert await titles(client, f"id={order['id'].replace('wo_', 'op_')}") == []

    async def test_fields_choose(self, client: AsyncClient) -> None:
        for row in (await client.get("/v1/work-orders?fields=id,title&product=A")).json()["data"]:
            assert set(row) == {"id", "title"}

    async def test_expand_adds_the_operations(self, client: AsyncClient) -> None:
        rows = (await client.get("/v1/work-orders?expand=operations")).json()["data"]
        assert all(len(row["operations"]) == 1 for row in rows)
        rows = (await client.get("/v1/work-orders")).json()["data"]
        assert all("operations" not in row for row in rows)


class TestSort:
    async def test_null_sorts_last_both_ways(self, client: AsyncClient) -> None:
        for key in ("due_at", "-due_at", "customer", "-customer"):
            values = [o[key.removeprefix("-")] for o in await walk(client, f"sort={key}", 200)]
            known = [v for v in values if v is not None]
            assert known
            assert values == sorted(known, reverse=key[0] == "-") + [None] * (len(values) - len(known)), key

    async def test_quantities_sort_as_numbers(self, client: AsyncClient) -> None:
        assert await titles(client, "sort=quantity") == ["fünf", "50% off_", "one", "零件", "THREE", "two"]

    QUERIES = ("", "sort=due_at", "sort=-due_at", "sort=-priority,due_at", "sort=customer,-quantity", "sort=product",
               "sort=export_controlled,-title", "sort=-site,customer,due_at", "product=A&sort=-due_at",
               "q=o&sort=quantity")  # fmt: skip

    async def test_pages_put_together_are_the_whole_list(self, client: AsyncClient) -> None:
        for query in self.QUERIES:
            whole = await walk(client, query, 200)
            ids = [o["id"] for o in whole]
            assert len(ids) == len(set(ids)) > 0
            for limit in (1, 2, 4):
                assert await walk(client, query, limit) == whole, (query, limit)

    async def test_newest_come_first_unless_asked_otherwise(self, client: AsyncClient) -> None:
        assert [o["number"] for o in await walk(client, "", 2)] == [f"WO-00000{n}" for n in (6, 5, 4, 3, 2, 1)]


class TestPages:
    async def test_inserts_between_pages_neither_repeat_nor_lose_a_row(self, client: AsyncClient) -> None:
        """With an offset each insert at the front would push a row onto the next page."""
        for query in ("sort=-due_at", "sort=title", ""):
            before = [o["id"] for o in await walk(client, query, 200)]
            seen: list[str] = []
            cursor = ""
            for n in itertools.count():
                page = (await client.get(f"/v1/work-orders?{query}&limit=2&cursor={cursor}")).json()
                seen += [o["id"] for o in page["data"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
                for due in ("2026-11-01T00:00:00Z", "2027-12-01T00:00:00Z", None):
                    body = {"product": "N", "quantity": "1", "title": f"{'aM~'[n % 3]}{n}", "due_at": due}
                    assert (await client.post("/v1/work-orders", json=body)).status_code == 201
                assert n < 50
            assert [i for i in seen if i in before] == before
            assert len(seen) == len(set(seen))

    async def test_a_limit_out_of_range_is_refused(self, client: AsyncClient) -> None:
        for limit in ("0", "-1", "201", "ten", "1.5", "", "99999999999", "１"):
            answer = await client.get(f"/v1/work-orders?limit={limit}")
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_limit"), limit

    async def test_a_full_last_page_has_no_next(self, client: AsyncClient) -> None:
        page = (await client.get(f"/v1/work-orders?limit={len(ORDERS)}")).json()
        assert (len(page["data"]), page["next_cursor"]) == (len(ORDERS), None)

    async def test_a_cursor_belongs_to_its_query_and_principal(self, factory: Tenant, client: AsyncClient) -> None:
        cursor = (await client.get("/v1/work-orders?sort=title&limit=2")).json()["next_cursor"]
        assert (await client.get(f"/v1/work-orders?sort=title&limit=5&cursor={cursor}")).status_code == 200
        for query in ("", "sort=-title", "sort=title&product=A", "sort=title&q=o", "sort=due_at"):
            answer = await client.get(f"/v1/work-orders?{query}&cursor={cursor}")
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), query
        async with factory.client(await factory.key("owner")) as colleague:
            assert (await colleague.get(f"/v1/work-orders?sort=title&cursor={cursor}")).status_code == 400
        for altered in (cursor[:-2] + "AA", cursor[2:], "zzz", "null", "=" * 10, "é"):
            answer = await client.get("/v1/work-orders", params={"sort": "title", "cursor": altered})
            assert answer.json()["code"] == "invalid_cursor", altered

    async def test_a_cursor_of_one_operation_s_reports_is_none_of_another_s(self, client: AsyncClient) -> None:
        body = {"product": "P", "quantity": "1", "release": True,
                "operations": [{"name": "a"}, {"name": "b", "predecessors": []}]}  # fmt: skip
        order = (await client.post("/v1/work-orders", json=body)).json()
        paths = [f"/v1/operations/{o['id']}/reports" for o in order["operations"]]
        for path in paths * 2:
            assert (await client.post(path, json={"kind": "run"})).status_code == 201
        cursor = (await client.get(f"{paths[0]}?limit=1")).json()["next_cursor"]
        assert (await client.get(f"{paths[0]}?cursor={cursor}")).status_code == 200
        assert (await client.get(f"{paths[1]}?cursor={cursor}")).status_code == 400


class TestEventsFeed:
    async def test_it_goes_on_where_it_ended_and_ends_nowhere(self, factory: Tenant, client: AsyncClient) -> None:
        await factory.world.settle(factory)
        seen: list[int] = []
        cursor = ""
        for _ in range(100):
            page = (await client.get(f"/v1/events?limit=5&cursor={cursor}")).json()
            seen += [e["auditindex"] for e in page["data"]]
            cursor = page["resume_cursor"]
            if page["next_cursor"] is None:
                break
        assert seen == list(range(len(seen)))
        await client.post("/v1/work-orders", json=ORDERS[0])
        await factory.world.settle(factory)
        page = (await client.get(f"/v1/events?cursor={cursor}")).json()
        assert [e["type"] for e in page["data"]] == ["work_order.created", "operation.created"]
        assert page["data"][0]["auditindex"] == len(seen)

    async def test_types_and_orders_filter(self, factory: Tenant, client: AsyncClient) -> None:
        await factory.world.settle(factory)
        created = (await client.get("/v1/events?type=work_order.created")).json()["data"]
        assert len(created) == len(ORDERS)
        any_order = (await client.get("/v1/events?type=work_order.*,api_key.created")).json()["data"]
        assert {e["type"] for e in any_order} == {"work_order.created", "work_order.released", "api_key.created"}
        assert (await client.get("/v1/events?type=work%25")).json()["data"] == []
        assert (await client.get("/v1/events?type=work_order_created")).json()["data"] == []
        one = (await client.get(f"/v1/events?work_order_id={created[0]['workorder']}")).json()["data"]
        assert {e["workorder"] for e in one} == {created[0]["workorder"]}
        assert (await client.get("/v1/events?work_order_id=nonsense")).json()["data"] == []

    async def test_what_it_cannot_do_is_refused(self, client: AsyncClient) -> None:
        for query in ("zzz=1", "sort=type", "q=x", "type[ne]=x", "subject=x", "fields=id"):
            assert (await client.get(f"/v1/events?{query}")).status_code == 400, query

    async def test_an_event_is_a_cloud_event(self, factory: Tenant, client: AsyncClient) -> None:
        await factory.world.settle(factory)
        event = (await client.get("/v1/events?type=work_order.created&limit=1")).json()["data"][0]
        assert event["specversion"] == "1.0"
        assert set(event) >= {"id", "source", "type", "time", "subject", "datacontenttype", "data"}
        extensions = set(event) - {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data"}
        assert extensions == {"tenantid", "workorder", "auditindex", "livemode"}
