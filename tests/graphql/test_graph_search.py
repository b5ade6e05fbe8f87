"""The graph's search is REST's: the same hits and counts for everybody, the same refusals, at a price."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.graph import ask, data, enter, refusal

pytestmark = pytest.mark.anyio

SEARCH = """query ($q: String!, $kinds: [String!], $first: Int! = 20) { search(q: $q, kinds: $kinds, first: $first) {
  hits { kind id number code title state workOrderId highlights { field text start end } }
  facets { kind { value count } state { value count } } } }"""


async def found(tenant: Tenant, q: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    """What the graph finds, written as REST writes it."""
    answer = (await data(tenant, SEARCH, key, q=q, **more))["search"]
    hits = [{"work_order_id" if n == "workOrderId" else n: v for n, v in hit.items() if v is not None}
            for hit in answer["hits"]]  # fmt: skip
    facets = {name: {one["value"]: one["count"] for one in counts} for name, counts in answer["facets"].items()}
    return {"data": hits, "facets": facets}


async def test_everybody_finds_what_rest_finds(factory: Tenant, world: World) -> None:
    await enter(factory, title="Cable head", customer="ACME", release=True)
    await enter(factory, title="Turned")
    stranger = await world.tenant("Stranger")
    async with factory.client() as owner:
        await owner.put("/v1/customers/C-7", json={"name": "Turnham & Co"})
        hidden = {"role": "planner", "access": "none", "resource": "work_order", "field": "customer"}
        await owner.post("/v1/field-policies", json=hidden)
    keys = [factory.owner_key, *[await factory.key(r) for r in ("planner", "operator", "auditor", "partner")]]
    seen = []
    for tenant, key in [*((factory, k) for k in keys), (stranger, stranger.owner_key)]:
        async with tenant.client(key) as client:
            for q, more in (("turn", {"kinds": ["operation"]}), ("ACME", {}), ("cable", {"first": 1})):
                asked = {"q": q, "kinds": ",".join(more.get("kinds", [])), "limit": more.get("first", 20)}
                told = (await client.get("/v1/search", params=asked)).json()
                assert await found(tenant, q, key, **more) == told
                seen.append(len(told["data"]))
    assert (seen[:3], seen[3:6], seen[-3:]) == ([2, 1, 1], [2, 0, 1], [0, 0, 0])


async def test_what_rest_refuses_is_refused(factory: Tenant) -> None:
    partner = await factory.key("partner")
    for code, key, variables in (
        ("malformed", None, {"q": " "}),
        ("malformed", None, {"q": "x" * 201}),
        ("invalid", None, {"q": "a\0"}),
        ("invalid_limit", None, {"q": "a", "first": 51}),
        ("unknown_field", None, {"q": "a", "kinds": ["nothing"]}),
        ("unknown_field", partner, {"q": "a", "kinds": ["customer"]}),
    ):
        assert (await refusal(factory, SEARCH, key, **variables))["code"] == code, variables


async def test_it_costs_more_than_reading_what_it_finds(factory: Tenant) -> None:
    small = '{ search(q: "a", first: 5) { hits { id } } }'
    assert (await ask(factory, small))["extensions"]["cost"]["requested"] == 20 + 5
    answer = await ask(factory, SEARCH, q="a", first=20)
    assert answer["extensions"]["cost"]["requested"] == 20 + 20 * (1 + 10) + (1 + 10 + 10)
    many = "{ " + " ".join(f'a{i}: search(q: "a", first: 50) {{ hits {{ id }} }}' for i in range(15)) + " }"
    assert "1050 cost units; 1000 are allowed" in (await refusal(factory, many))["message"]
