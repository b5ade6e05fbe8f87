"""`client.exports` and `client.search` against the app itself."""

import json
from pathlib import Path

import httpx2
import pytest
from fixtures.app import Tenant
from fixtures.exports import write

from woaas import AsyncClient

pytestmark = pytest.mark.anyio


async def test_an_export_is_downloaded_and_a_search_finds(factory: Tenant, tmp_path: Path) -> None:
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=factory.world.app))
    async with AsyncClient(factory.owner_key, "http://woaas.test", http_client=http) as client:
        for customer in ("ACME", "RIVAL"):
            await client.work_orders.create(product="GEAR", quantity=1, customer=customer)
        asked = await client.exports.create(
            "work_orders", filter={"customer": ["ACME"], "priority__lte": 5}, fields=["number", "customer"]
        )
        await write(factory)
        done = await asked.wait()
        assert (done.status, done.rows, done.resource) == ("finished", 1, "work_order")
        saved = await done.download(tmp_path / "orders.ndjson")
        assert json.loads(saved.read_text()) == {"number": "WO-000001", "customer": "ACME"}
        again = await client.exports.get(done.id)
        assert [one.id async for one in client.exports.list()] == [again.id]
        found = await client.search("rival", kinds=["work_order"], limit=5)
        assert [(hit.number, hit.highlights[0].field) for hit in found.data] == [("WO-000002", "customer")]
        assert found.facets.kind == {"work_order": 1}
