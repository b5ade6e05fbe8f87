"""The console in a real browser against a real server: what in-process tests cannot see."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.chromium import IN_A_BROWSER, Console
from fixtures.console import person
from fixtures.farm import farm
from playwright.async_api import expect

STEPS = [
    {"name": "Turning", "work_centers": ["m1"], "unit_time": "PT6M", "setup_time": "PT10M"},
    {"name": "Washing", "work_centers": ["m2"], "unit_time": "PT2M"},
]
# How many colours the chart's canvas holds.
COLOURS = """() => {
  const canvas = document.querySelector("plan-gantt canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size;
}"""
# A tree of one leaf whose root is another hash.
PROOF_OF_NOTHING = """(leaf) => {
  const proof = document.createElement("inclusion-proof");
  const given = { index: 0, size: 1, leaf, path: "", root: `B${leaf.slice(1)}`, good: "good", bad: "bad" };
  for (const [name, value] of Object.entries(given)) proof.setAttribute(name, value);
  proof.innerHTML = "<p class=verdict></p>";
  document.body.append(proof);
}"""
PLACES = ("orders", "orders/new", "plan", "plan?view=table", "market", "billing", "audit", "search?q=P", "webhooks",
          "applications", "sso")  # fmt: skip

pytestmark = IN_A_BROWSER


async def planned(world: World, factory: Tenant) -> list[dict[str, Any]]:
    """Two released orders with a solved plan."""
    async with factory.client() as api:
        for code in ("m1", "m2"):
            assert (await api.put(f"/v1/work-centers/{code}", json={"name": code})).status_code == 201
        orders = []
        for i in range(2):
            body = {"product": f"P{i}", "quantity": "10", "due_at": "2090-01-01T00:00:00Z", "operations": STEPS}
            orders.append((await api.post("/v1/work-orders", json={**body, "release": True})).json())
        assert (await api.post("/v1/schedule-runs", json={"iterations": 10})).status_code == 202
    await farm(world.db).run_once()
    await world.settle(factory)
    return orders


async def meanwhile(work: Callable[[], Awaitable[Any]], until: Awaitable[None]) -> None:
    """Repeat background work until a claim about the page holds."""
    claim = asyncio.ensure_future(until)
    while not claim.done():
        await work()
        await asyncio.wait({claim}, timeout=0.05)
    await claim


class TestOrders:
    async def test_a_new_order_is_entered_and_begun(self, console: Console, factory: Tenant) -> None:
        page = await console.open(await person(factory, "owner"))
        await page.keyboard.press("n")
        await page.wait_for_url("**/orders/new")
        await page.fill("[name=product]", "SHAFT-12")
        await page.fill("[name=quantity]", "5")
        await page.fill("[name=operation_name]", "Turning")
        await page.click("[data-add-line]")
        await expect(page.locator("[name=operation_name]")).to_have_count(2)
        await page.locator("[name=operation_name]").nth(1).fill("Washing")
        await page.check("[name=release]")
        await page.click("text=Enter order")
        await page.wait_for_url("**/orders/WO-*")
        await expect(page.locator("h1 .pill")).to_have_text("Released")
        await page.locator(".row-actions .icon-only").last.click()
        await expect(page.locator("[popover]:popover-open h2")).to_contain_text("Washing")

    async def test_the_list_follows_the_log(self, console: Console, world: World, factory: Tenant) -> None:
        page = await console.open(await person(factory, "owner"))
        await expect(page.locator("text=No orders yet")).to_be_visible()
        async with factory.client() as api:
            made = (await api.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
            row = page.locator("#orders tr", has_text=made["number"])
            await meanwhile(lambda: world.settle(factory), expect(row.locator(".pill")).to_have_text("Draft"))
            assert (await api.post(f"/v1/work-orders/{made['id']}/release")).status_code == 200
            await meanwhile(lambda: world.settle(factory), expect(row.locator(".pill")).to_have_text("Released"))

    async def test_searching_narrows_as_one_types(self, console: Console, factory: Tenant) -> None:
        async with factory.client() as api:
            for title in ("Left bracket", "Right bracket", "Shaft"):
                await api.post("/v1/work-orders", json={"product": "P", "quantity": "1", "title": title})
        page = await console.open(await person(factory, "owner"))
        await expect(page.locator("#orders tbody tr")).to_have_count(3)
        await page.keyboard.press("f")
        await page.keyboard.type("brack")
        await expect(page.locator("#orders tbody tr")).to_have_count(2)
        await expect(page).to_have_url(re.compile(r"[?&]q=brack\b"))


class TestPlan:
    async def test_the_chart_is_drawn_and_read_out(self, console: Console, world: World, factory: Tenant) -> None:
        orders = await planned(world, factory)
        page = await console.open(await person(factory, "owner"))
        await page.goto(f"{console.url}/console/plan")
        chart = page.locator("plan-gantt")
        await expect(chart).to_have_attribute("data-bars", "4")
        drawn = await page.evaluate(COLOURS)
        assert drawn > 20
        await page.focus(".gantt-scroll")
        await page.keyboard.press("ArrowRight")
        await expect(page.locator(".gantt-said")).to_contain_text("Turning")
        await page.keyboard.press("ArrowDown")
        await expect(page.locator(".gantt-tip")).to_contain_text("Washing")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/orders/WO-*")
        assert page.url.rpartition("/")[2] in {o["number"] for o in orders}

    async def test_solving_and_publishing(self, console: Console, world: World, factory: Tenant) -> None:
        await planned(world, factory)
        page = await console.open(await person(factory, "owner"))
        await page.goto(f"{console.url}/console/plan")
        await page.click("[popovertarget=solve]")
        await page.fill("[name=seconds]", "1")
        await page.click("#solve form button")
        await page.wait_for_url("**/plan?run=run_*")
        dispatcher = farm(world.db)
        await meanwhile(dispatcher.run_once, page.wait_for_url("**/plan?schedule=sch_*"))
        await page.click("text=Publish")
        await expect(page.locator("h1 .pill")).to_have_text("Published")


class TestAudit:
    async def test_the_browser_follows_a_proof_to_the_root(
        self, console: Console, world: World, factory: Tenant
    ) -> None:
        async with factory.client() as api:
            for _ in range(5):
                await api.post("/v1/work-orders", json={"product": "P", "quantity": "1", "operations": STEPS})
        email = await person(factory, "auditor")
        await world.settle(factory)
        page = await console.open(email)
        await page.goto(f"{console.url}/console/audit")
        for row in (3, 7, 12):
            button = page.locator(".entries tbody tr").nth(row).locator("button")
            await button.click()
            await expect(page.locator(":popover-open .verdict")).to_have_text("Your browser computed the same root.")
            await page.keyboard.press("Escape")

    async def test_a_proof_that_was_tampered_with_is_told(self, console: Console, factory: Tenant) -> None:
        page = await console.open(await person(factory, "owner"))
        await page.goto(f"{console.url}/console/audit")
        await page.evaluate(PROOF_OF_NOTHING, "A" * 43 + "=")
        await expect(page.locator(".verdict")).to_have_text("bad")


class TestSmallScreens:
    @pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
    async def test_no_page_is_wider_than_the_phone(
        self, console: Console, world: World, factory: Tenant, locale: str
    ) -> None:
        orders = await planned(world, factory)
        page = await console.open(await person(factory, "owner"), width=390, locale=locale)
        wide = {}
        for place in (*PLACES, f"orders/{orders[0]['number']}"):
            await page.goto(f"{console.url}/console/{place}")
            await page.wait_for_selector("[data-bars]" if place == "plan" else "main h1")
            beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if beyond > 0:
                wide[place] = beyond
            box = await page.locator(".rail nav").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 844, json.dumps(box)
        assert wide == {}
