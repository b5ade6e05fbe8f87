"""Files and the search in a real browser: what is sent as the API has it, and what the keyboard reaches."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fixtures.app import Tenant
from fixtures.chromium import IN_A_BROWSER, Console
from fixtures.console import person
from playwright.async_api import expect

pytestmark = IN_A_BROWSER

DRAWING = b"%PDF-1.7\n" + bytes(range(256)) * 5_000


async def an_order(factory: Tenant, **more: Any) -> dict[str, Any]:
    body = {"product": "BRACKET", "quantity": "1", "operations": [{"name": "Turning"}], "release": True, **more}
    async with factory.client() as api:
        answer = await api.post("/v1/work-orders", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


class TestFiles:
    @pytest.mark.parametrize("width", [1280, 390])
    async def test_one_is_attached_fetched_and_removed(
        self, console: Console, factory: Tenant, tmp_path: Path, width: int
    ) -> None:
        made = await an_order(factory)
        drawing = tmp_path / "图纸 1.pdf"
        drawing.write_bytes(DRAWING)
        page = await console.open(await person(factory, "owner"), width=width)
        await page.goto(f"{console.url}/console/orders/{made['number']}")
        await page.click("[popovertarget=attach]")
        await page.set_input_files("#attach [name=file]", drawing)
        await page.select_option("#attach [name=subject]", made["operations"][0]["id"])
        await page.select_option("#attach [name=access_class]", "drawing")
        await page.click("#attach button")
        listed = page.locator("#attachments .files li")
        await expect(listed).to_have_count(1)
        await expect(listed).to_contain_text("图纸 1.pdf")
        await expect(listed.locator("small")).to_contain_text("Drawing · Operation 10")
        async with page.expect_download() as fetched:
            await listed.locator("a").click()
        saved = await (await fetched.value).path()
        assert await asyncio.to_thread(Path(saved).read_bytes) == DRAWING
        await listed.locator("button.small").click()
        await page.locator("#attachments [popover]:popover-open button").click()
        await expect(page.locator("#attachments .hint")).to_have_text("Nothing yet.")
        async with factory.client() as api:
            kept = (await api.get(f"/v1/work-orders/{made['id']}/attachments")).json()["data"]
        assert [(f["name"], f["access_class"], f["state"]) for f in kept] == [("图纸 1.pdf", "drawing", "removed")]

    async def test_a_refusal_is_told_where_it_was_sent(self, console: Console, factory: Tenant, tmp_path: Path) -> None:
        made = await an_order(factory)
        false = tmp_path / "photo.png"
        false.write_bytes(b"%PDF-1.7\n")
        page = await console.open(await person(factory, "owner"))
        await page.goto(f"{console.url}/console/orders/{made['number']}")
        await page.click("[popovertarget=attach]")
        await page.set_input_files("#attach [name=file]", false)
        await page.click("#attach button")
        await expect(page.locator("#attach [role=alert]")).to_contain_text("Declared as image/png")
        await expect(page.locator("#attach button")).to_be_enabled()
        # The browser says so of every refusal.
        assert [c for c in console.complaints if "422" not in c] == []
        console.complaints.clear()


class TestSearch:
    async def test_from_any_page_by_the_keyboard(self, console: Console, factory: Tenant) -> None:
        made = await an_order(factory, title="Left bracket")
        async with factory.client() as api:
            await api.put("/v1/customers/BRACK-CO", json={"name": "Bracket & Co"})
        page = await console.open(await person(factory, "owner"))
        await page.goto(f"{console.url}/console/billing")
        await page.keyboard.press("/")
        await page.keyboard.type("brack")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/search?q=brack")
        await expect(page.locator(".search.top input")).to_have_value("brack")
        await expect(page.locator(".card h2")).to_have_text(["Orders 1", "Customers 1"])
        await expect(page.locator("main mark").first).to_have_text("brack")
        await page.locator(".kinds a", has_text="Orders").click()
        await expect(page.locator(".card h2")).to_have_text(["Orders 1"])
        await page.locator(".hits a").click()
        await page.wait_for_url(f"**/orders/{made['number']}")
