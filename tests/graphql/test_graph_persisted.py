"""Documents known by their hash."""

import hashlib
from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import Response

from woaas_core.ids import uuid7
from woaas_graphql.persisted import LONGEST_KEPT, PersistedQueries, PersistedQueryNotFound

pytestmark = pytest.mark.anyio
QUERY = "{ me { id } }"


def hashed(query: str, **changes: Any) -> dict[str, Any]:
    named = {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest(), **changes}
    return {"extensions": {"persistedQuery": named}}


async def send(tenant: Tenant, body: dict[str, Any], **headers: str) -> Response:
    async with tenant.client() as client:
        return await client.post("/graphql", json=body, headers=headers)


class TestByHash:
    async def test_the_document_is_sent_once_and_answers_by_its_hash(self, factory: Tenant) -> None:
        first = await send(factory, hashed(QUERY))
        error = first.json()["errors"][0]
        assert (first.status_code, error["message"]) == (200, "PersistedQueryNotFound")
        assert error["extensions"]["code"] == "persisted_query_not_found"
        told = (await send(factory, {"query": QUERY, **hashed(QUERY)})).json()["data"]
        assert told["me"]["id"]
        assert (await send(factory, hashed(QUERY))).json()["data"] == told
        assert (await send(factory, hashed(QUERY), Authorization="")).status_code == 401
        rival = await factory.world.tenant("Rival")
        assert "PersistedQueryNotFound" in (await send(rival, hashed(QUERY))).text

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"query": "{ me { name } }", **hashed(QUERY)},
            {"query": QUERY, **hashed(QUERY, version=2)},
            {"query": QUERY, **hashed(QUERY, sha256Hash="A" * 64)},
            {"query": QUERY, **hashed(QUERY, sha256Hash=7)},
            {"query": QUERY, "extensions": {"persistedQuery": []}},
        ],
    )
    async def test_what_is_no_hash_of_the_document_is_refused(self, factory: Tenant, body: dict[str, Any]) -> None:
        refused = await send(factory, body)
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (400, "malformed")


class TestKept:
    def test_the_oldest_goes_and_the_long_are_not_kept(self) -> None:
        known, tenant = PersistedQueries(most=2), uuid7()
        for query in ("a", "b"):
            known.document(tenant, query, hashed(query)["extensions"])
        known.document(tenant, "", hashed("a")["extensions"])
        long = "#" * (LONGEST_KEPT + 1)
        assert known.document(tenant, long, hashed(long)["extensions"]) == long
        known.document(tenant, "c", hashed("c")["extensions"])
        assert known.document(tenant, "", hashed("a")["extensions"]) == "a"
        for gone in ("b", long):
            with pytest.raises(PersistedQueryNotFound):
                known.document(tenant, "", hashed(gone)["extensions"])
