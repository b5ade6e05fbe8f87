"""A document asks for a bounded amount of work, and is told the price."""

import pytest
from fixtures.app import Tenant
from fixtures.graph import ask, refusal

pytestmark = pytest.mark.anyio


class TestLimits:
    async def test_depth(self, factory: Tenant) -> None:
        deep = '{ workOrder(id: "x") ' + "{ operations { workOrder " * 5 + "{ id }" + " } }" * 5 + " }"
        found = await refusal(factory, deep)
        assert (found["code"], found["status"]) == ("query_too_complex", 400)
        assert "12 levels; 10 are allowed" in found["message"]

    async def test_aliases(self, factory: Tenant) -> None:
        wide = "{ " + " ".join(f"a{i}: me {{ id }}" for i in range(31)) + " }"
        assert "31 aliases; 30 are allowed" in (await refusal(factory, wide))["message"]

    async def test_tokens(self, factory: Tenant) -> None:
        long = "{ me { " + "id " * 2001 + "} }"
        assert (await refusal(factory, long))["code"] == "query_too_complex"

    async def test_cost(self, factory: Tenant) -> None:
        dear = "query ($n: Int!) { workOrders(first: $n) { edges { node { id operations { id } } } } }"
        found = await refusal(factory, dear, n=200)
        assert found["code"] == "query_too_complex"
        assert "2201 cost units; 1000 are allowed" in found["message"]
        cheap = await ask(factory, dear, n=20)
        assert cheap["extensions"] == {"cost": {"requested": 221, "budget": 1000}}

    async def test_a_default_page_counts_as_one(self, factory: Tenant) -> None:
        answer = await ask(factory, "{ workOrders { edges { node { id } } pageInfo { hasNextPage } } }")
        assert answer["extensions"]["cost"]["requested"] == 51

    async def test_fragments_that_multiply_are_counted_without_being_walked(self, factory: Tenant) -> None:
        doubling = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(60))
        query = f"{{ ...f0 }} {doubling} fragment f60 on Query {{ workOrders(first: 1) {{ edges {{ cursor }} }} }}"
        answer = await ask(factory, query)
        assert answer["errors"][0]["extensions"]["code"] in ("query_too_complex", "malformed")

    async def test_a_fragment_within_itself_is_refused(self, factory: Tenant) -> None:
        query = "{ ...a } fragment a on Query { ...b } fragment b on Query { me { id } ...a }"
        assert (await refusal(factory, query))["code"] == "malformed"

    async def test_suggestions_are_off(self, factory: Tenant) -> None:
        found = await refusal(factory, "{ workOrder(id: 1) { nunber } }")
        assert found["code"] == "malformed"
        assert "number" not in found["message"]

    async def test_one_request_at_a_time_and_no_get(self, factory: Tenant) -> None:
        async with factory.client() as client:
            batch = await client.post("/graphql", json=[{"query": "{ me { id } }"}])
            assert (batch.status_code, batch.json()["errors"][0]["extensions"]["code"]) == (400, "malformed")
            page = await client.get("/graphql?query={me{id}}")
            assert page.headers["content-type"].startswith("text/html")
            assert "script-src 'self'" in page.headers["content-security-policy"]
            form = await client.post("/graphql", data={"query": "{ me { id } }"})
            assert form.status_code == 415

    async def test_the_explorer_can_introspect(self, factory: Tenant) -> None:
        query = "{ __schema { types { name fields { name type { name ofType { name ofType { name } } } } } } }"
        answer = await ask(factory, query)
        assert "errors" not in answer

    async def test_an_operation_must_be_named_among_several(self, factory: Tenant) -> None:
        found = await refusal(factory, "query A { me { id } } query B { me { id } }")
        assert (found["code"], found["status"]) == ("malformed", 400)

    async def test_subscriptions_are_not_answered_over_http(self, factory: Tenant) -> None:
        assert (await refusal(factory, "subscription { events { id } }"))["code"] == "malformed"
