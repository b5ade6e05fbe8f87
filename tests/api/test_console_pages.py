"""Every page of the console: that it is there, holds nothing of the browser's weak spots, and masks like the API."""

import re
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.console import browser, markup, signed_in
from httpx import AsyncClient

pytestmark = pytest.mark.anyio

PLACES = ("/console/orders", "/console/plan", "/console/market", "/console/billing", "/console/audit")
STEPS = [{"name": "Turning", "work_centers": ["m1"], "unit_time": "PT2M", "setup_time": "PT10M"}]


async def order(tenant: Tenant, **fields: Any) -> dict[str, Any]:
    """A work order of the tenant."""
    body = {"product": "BRACKET", "quantity": "10", "customer": "ACME", "operations": STEPS, **fields}
    async with tenant.client() as client:
        answer = await client.post("/v1/work-orders", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def crawl(client: AsyncClient, *starts: str) -> dict[str, Any]:
    """Every page that links lead to, by its address."""
    found: dict[str, Any] = {}
    queue = list(starts)
    while queue:
        path = queue.pop()
        if path not in found and not path.startswith("/static/"):
            found[path] = await client.get(path, follow_redirects=True)
            queue += sorted(markup(found[path]).links)
    return found


class TestEveryPage:
    @pytest.mark.parametrize(("language", "tag"), [("en-GB,en", "en"), ("zh-CN,zh;q=0.9,en;q=0.5", "zh-CN")])
    async def test_no_link_is_dead(self, world: World, factory: Tenant, language: str, tag: str) -> None:
        made = await order(factory, release=True)
        async with factory.client() as api:
            request = {
                "operation_id": made["operations"][0]["id"],
                "due_at": "2090-01-01T00:00:00Z",
                "disclosure": {"process": "turning"},
            }
            answer = await api.post("/v1/market/requests", json=request)
            assert answer.status_code == 201, answer.text
        await world.settle(factory)
        async with signed_in(factory, **{"Accept-Language": language}) as client:
            pages = await crawl(client, "/console")
        assert {path: p.status_code for path, p in pages.items() if p.status_code != 200} == {}
        assert {markup(p).language for p in pages.values()} == {tag}
        reached = {path.partition("?")[0] for path in pages}
        assert {*PLACES, f"/console/orders/{made['number']}", "/console/orders/new"} <= reached
        assert any(path.startswith("/console/market/requests/") for path in reached)

    async def test_scripts_and_styles_are_files_of_this_server(self, world: World, factory: Tenant) -> None:
        made = await order(factory)
        await world.settle(factory)
        async with signed_in(factory) as client:
            for path in (*PLACES, "/console/orders/new", f"/console/orders/{made['number']}", "/console/nowhere"):
                page = await client.get(path)
                assert markup(page).inline == [], path
                assert "://" not in page.text.replace("http://woaas.test", "").replace("http://www.w3.org", ""), path

    async def test_a_letter_of_the_keyboard_leads_to_one_place(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            for path in PLACES:
                letters = re.findall(r' data-(?:focus-)?key="(.)"', (await client.get(path)).text)
                assert len(letters) == len(set(letters)) > 10, path

    async def test_headers_close_the_doors(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            for path in (*PLACES, "/console/orders/none"):
                headers = (await client.get(path)).headers
                policy = headers["content-security-policy"]
                assert "default-src 'self'" in policy
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")

    async def test_without_a_session_one_is_asked_to_sign_in(self, factory: Tenant) -> None:
        async with browser(factory) as client:
            for path in PLACES:
                answer = await client.get(path)
                assert (answer.status_code, answer.headers["location"][:16]) == (303, "/console/sign-in")
            part = await client.get("/console/orders", headers={"HX-Request": "true", "HX-Target": "orders"})
            assert (part.status_code, part.headers["hx-redirect"]) == (204, "/console/sign-in")

    async def test_files_may_be_kept_for_ever(self, factory: Tenant) -> None:
        async with browser(factory) as client:
            page = await client.get("/console/sign-in")
            path = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
            kept = await client.get(path)
            missing = await client.get("/static/..%2Fdoor.py")
        assert "immutable" in kept.headers["cache-control"]
        assert kept.headers["content-type"].startswith("text/css")
        assert missing.status_code == 404


class TestMasks:
    async def test_another_tenants_order_is_not_there(self, world: World, factory: Tenant) -> None:
        made = await order(factory, title="Secret bracket")
        other = await world.tenant("Other")
        async with signed_in(other) as client:
            answer = await client.get(f"/console/orders/{made['id']}")
            assert answer.status_code == 404
            assert "Secret" not in answer.text
            assert "Secret" not in (await client.get("/console/orders")).text

    async def test_a_masked_field_shows_that_it_is(self, world: World, factory: Tenant) -> None:
        made = await order(factory, customer="SECRETCORP", custom_fields={"mould": "SECRETMOULD"})
        await world.settle(factory)
        async with signed_in(factory, "auditor") as client:
            for path in ("/console/orders", f"/console/orders/{made['number']}", "/console/audit"):
                text = (await client.get(path)).text
                assert "SECRET" not in text, path
                assert "•••" in text, path

    async def test_checkpoints_come_with_the_proof_that_each_continues_the_one_before(
        self, world: World, factory: Tenant
    ) -> None:
        for _ in range(2):
            await order(factory)
            await world.settle(factory, only=())
        async with signed_in(factory, "auditor") as client:
            text = (await client.get("/console/audit")).text
        assert "<consistency-proof old=" in text
        assert "signs since" in text

    async def test_an_unreadable_field_has_no_column(self, factory: Tenant) -> None:
        await order(factory, customer="SECRETCORP")
        async with signed_in(factory, "operator") as client:
            text = (await client.get("/console/orders")).text
        assert "BRACKET" in text
        assert "SECRETCORP" not in text
        assert "Customer" not in text

    async def test_a_customer_sees_his_own_orders_only(self, factory: Tenant) -> None:
        await order(factory, customer="ACME", title="Mine indeed")
        theirs = await order(factory, customer="RIVAL", title="Somebody elses")
        async with signed_in(factory, "customer", customer="ACME") as client:
            text = (await client.get("/console/orders")).text
            assert "Mine indeed" in text
            assert "Somebody elses" not in text
            assert (await client.get(f"/console/orders/{theirs['number']}")).status_code == 404

    @pytest.mark.parametrize(
        ("role", "places"),
        [
            ("owner", {"orders", "plan", "market", "billing", "audit"}),
            ("operator", {"orders", "plan"}),
            ("customer", {"orders"}),
            ("auditor", {"orders", "plan", "market", "billing", "audit"}),
        ],
    )
    async def test_the_rail_holds_what_the_role_may_read(self, factory: Tenant, role: str, places: set[str]) -> None:
        async with signed_in(factory, role, customer="ACME") as client:
            page = await client.get("/console/orders")
            assert {p.rpartition("/")[2] for p in PLACES if p in markup(page).links} == places
            for path in PLACES:
                if path.rpartition("/")[2] in places:
                    assert (await client.get(path)).status_code == 200, path

    async def test_commands_are_offered_to_those_who_have_them(self, factory: Tenant) -> None:
        made = await order(factory)
        async with signed_in(factory) as owner, signed_in(factory, "auditor") as auditor:
            assert 'value="release"' in (await owner.get(f"/console/orders/{made['number']}")).text
            assert 'value="release"' not in (await auditor.get(f"/console/orders/{made['number']}")).text

    async def test_what_is_typed_is_text(self, factory: Tenant) -> None:
        made = await order(factory, title='<script>alert("x")</script>', custom_fields={"a": "<img src=x onerror=1>"})
        async with signed_in(factory) as client:
            for path in ("/console/orders", f"/console/orders/{made['number']}"):
                page = await client.get(path)
                assert markup(page).inline == []
                assert "<script>alert" not in page.text
