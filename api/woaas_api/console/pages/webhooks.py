"""Webhooks: where events are sent, and what became of each. A secret is shown once."""

from woaas_api.console.forms import codes, given
from woaas_api.console.page import Notice, Outcome, Page, SeeOther, Shown, page

HERE = "/console/webhooks"
_COMMANDS = ("pause", "resume", "archive")


@page("GET", "/webhooks", needs=("GET /webhook-endpoints",))
async def show_endpoints(page: Page) -> Outcome:
    """The endpoints, archived ones apart."""
    found = (await page.get("/webhook-endpoints", {"limit": "200"}))["data"]
    values = {
        "live": [e for e in found if e.get("state") != "archived"],
        "ended": [e for e in found if e.get("state") == "archived"],
    }
    return Shown("webhooks/endpoints.html", {**values, "place": "webhooks"})


@page("POST", "/webhooks", needs=("POST /webhook-endpoints",))
async def make(page: Page) -> Outcome:
    """Make an endpoint and show its secret."""
    typed = given(name=page.form.get("name", "").strip(), url=page.form.get("url", "").strip())
    made = await page.post("/webhook-endpoints", {**typed, "events": codes(page.form.get("events", ""))})
    return Shown("webhooks/secret.html", {"endpoint": made, "place": "webhooks"})


@page("GET", "/webhook-endpoints/{endpoint:str}", needs=("GET /webhook-endpoints/{id}/deliveries",))
async def show_deliveries(page: Page, endpoint: str) -> Outcome:
    """An endpoint with its deliveries, newest first."""
    here = f"/webhook-endpoints/{endpoint}"
    cursor = page.query.get("cursor")
    asked = {"limit": "50"} if not cursor else {"limit": "50", "cursor": cursor}
    shown = await page.get(here)
    found = await page.get(f"{here}/deliveries", asked) if page.sees("webhook_delivery", "id") else {"data": []}
    return Shown(
        "webhooks/endpoint.html",
        {"e": shown, "deliveries": found["data"], "next_cursor": found.get("next_cursor"), "place": "webhooks"},
    )


@page("POST", "/webhook-endpoints/{endpoint:str}/change", needs=("PATCH /webhook-endpoints/{id}",))
async def change(page: Page, endpoint: str) -> Outcome:
    """Change the name or the events of an endpoint, or its address."""
    body = {"name": page.form.get("name", "").strip() or None, "events": codes(page.form.get("events", ""))}
    if url := page.form.get("url", "").strip():
        body["url"] = url
    await page.patch(f"/webhook-endpoints/{endpoint}", body)
    return SeeOther(f"/console/webhook-endpoints/{endpoint}", Notice(page.text("The endpoint is changed.")))


@page("POST", "/webhook-endpoints/{endpoint:str}/rotate", needs=("POST /webhook-endpoints/{id}/rotate-secret",))
async def rotate(page: Page, endpoint: str) -> Outcome:
    """Give an endpoint a new secret and show it."""
    made = await page.post(f"/webhook-endpoints/{endpoint}/rotate-secret", {})
    return Shown("webhooks/secret.html", {"endpoint": made, "place": "webhooks"})


@page("POST", "/webhook-endpoints/{endpoint:str}/test", needs=("POST /webhook-endpoints/{id}/test",))
async def test(page: Page, endpoint: str) -> Outcome:
    """Send an endpoint a test event."""
    await page.post(f"/webhook-endpoints/{endpoint}/test", {})
    return SeeOther(f"/console/webhook-endpoints/{endpoint}", Notice(page.text("A test event is on its way.")))


@page("POST", "/webhook-endpoints/{endpoint:str}/{command:str}", needs=("POST /webhook-endpoints/{id}/pause",))
async def command(page: Page, endpoint: str, command: str) -> Outcome:
    """Pause, resume or archive an endpoint."""
    if command in _COMMANDS:
        await page.post(f"/webhook-endpoints/{endpoint}/{command}", {})
    return SeeOther(f"/console/webhook-endpoints/{endpoint}", Notice(page.text("Done.")))


@page(
    "POST",
    "/webhook-endpoints/{endpoint:str}/deliveries/{delivery:str}/replay",
    needs=("POST /webhook-endpoints/{id}/deliveries/{id}/replay",),
)
async def replay(page: Page, endpoint: str, delivery: str) -> Outcome:
    """Send an event once more."""
    await page.post(f"/webhook-endpoints/{endpoint}/deliveries/{delivery}/replay", {})
    return SeeOther(f"/console/webhook-endpoints/{endpoint}", Notice(page.text("The event is sent once more.")))


PAGES = (show_endpoints, make, show_deliveries, change, rotate, test, command, replay)
