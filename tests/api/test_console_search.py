"""The console's search: in the head of every page, finding what the API's finds, in words of the reader."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.console import browser, markup, signed_in

from woaas_api.console.pages.search import KINDS
from woaas_work_orders.search import SEARCHED

pytestmark = pytest.mark.anyio
FIELD = 'action="/console/search"'


@pytest.fixture
async def order(factory: Tenant) -> dict[str, Any]:
    """An order with an operation, beside some master data, all of them brackets."""
    body = {"product": "BRACKET", "quantity": "1", "title": "Left <bracket>", "customer": "ACME",
            "operations": [{"name": "Bracket turning"}], "release": True}  # fmt: skip
    async with factory.client() as client:
        made = await client.post("/v1/work-orders", json=body)
        assert made.status_code == 201, made.text
        await client.put("/v1/customers/BRACK-CO", json={"name": "Bracket & Co"})
        await client.put("/v1/assets/A-1", json={"name": "Lathe", "serial_number": "SN-BRACKET"})
    return dict(made.json())


class TestDoor:
    async def test_who_asks(self, factory: Tenant, world: World, order: dict[str, Any]) -> None:
        other = await world.tenant("Other")
        async with browser(factory) as nobody, signed_in(other) as stranger:
            asked = await nobody.get("/console/search?q=brack")
            assert (asked.status_code, asked.headers["location"]) == (
                303,
                "/console/sign-in?next=/console/search%3Fq%3Dbrack",
            )
            page = (await stranger.get("/console/search?q=brack")).text
            assert "Nothing is found" in page
            assert order["number"] not in page

    async def test_every_page_has_the_field(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with signed_in(factory) as client:
            for path in ("orders", "plan", "billing", "account", "search", f"orders/{order['number']}"):
                page = (await client.get(f"/console/{path}")).text
                assert page.count(FIELD) == 1, path
                assert page.count('data-focus-key="/"') == 1, path
            assert FIELD not in (await client.get("/console/nowhere")).text

    async def test_what_cannot_be_asked(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with signed_in(factory) as client:
            for query in ("", "?q=", "?q=%20"):
                page = await client.get(f"/console/search{query}")
                assert (page.status_code, "What are you looking for?" in page.text) == (200, True)
            for query in (f"?q={'x' * 201}", "?q=a%00", "?q=a&kind=nothing"):
                assert (await client.get(f"/console/search{query}")).status_code == 400


class TestFound:
    def test_every_kind_has_a_heading(self) -> None:
        assert set(KINDS) == set(SEARCHED)

    async def test_hits_by_kind_lead_to_their_pages(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with signed_in(factory) as client:
            page = await client.get("/console/search?q=bRACK")
            assert markup(page).inline == []
            links = markup(page).links
            assert {f"/console/orders/{order['number']}", f"/console/orders/{order['id']}"} <= links
            assert {"/console/orders?q=BRACK-CO", "/console/search?q=bRACK&kind=operation"} <= links
            assert "Left &lt;<mark>brack</mark>et&gt;" in page.text
            # An operation says of which order it is, and a hit where else the text stands.
            assert page.text.count(f"{order['number']}</b>") == 2
            assert "Serial number: SN-<mark>BRACK</mark>ET" in page.text
            steps = (await client.get("/console/search?q=brack&kind=operation")).text
            assert "<mark>Brack</mark>et turning" in steps
            assert "Lathe" not in steps
            assert "Assets" in steps
            led = {
                link: (await client.get(link)).status_code for link in links if "/search?" in link or "BRACK" in link
            }
            assert set(led.values()) == {200}, led

    async def test_in_chinese(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with signed_in(factory, **{"Accept-Language": "zh-CN"}) as client:
            page = (await client.get("/console/search?q=brack")).text
        assert all(text in page for text in ("搜索全部", "工序 <small>", "序列号: SN-<mark>", "资产 <small>"))

    async def test_what_is_hidden_is_not_found(self, factory: Tenant, order: dict[str, Any]) -> None:
        async with signed_in(factory, "operator") as operator:
            page = (await operator.get("/console/search?q=acme")).text
            assert "Nothing is found" in page
            assert "/console/orders?q=BRACK-CO" not in (await operator.get("/console/search?q=brack")).text
        async with signed_in(factory, "customer", customer="RIVAL") as rival:
            assert "Nothing is found" in (await rival.get("/console/search?q=brack")).text
