"""API keys: made, replaced, revoked. A secret is shown once."""

from woaas_api.console.forms import codes, given, instant
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.members import chosen, role_codes

HERE = "/console/keys"


@page("GET", "/keys", needs=("GET /api-keys",))
async def show_keys(page: Page) -> Outcome:
    """The keys, revoked ones apart."""
    found = (await page.get("/api-keys", {"limit": "200"}))["data"]
    values = {"live": [k for k in found if _is_live(page, k)], "ended": [k for k in found if not _is_live(page, k)]}
    return Shown("keys/keys.html", {**values, "roles": await role_codes(page), "place": "keys"})


@page("POST", "/keys", needs=("POST /api-keys",))
async def make(page: Page) -> Outcome:
    """Make a key and show its secret."""
    body = {
        **given(name=page.form.get("name", ""), expires_at=instant(page.form.get("until", ""), page.zone, "/until")),
        "roles": chosen(page, "roles"),
        "networks": codes(page.form.get("networks", "")),
    }
    return Shown("keys/secret.html", {"key": await page.post("/api-keys", body), "place": "keys"})


@page("POST", "/keys/{key:str}/rotate", needs=("POST /api-keys/{id}/rotate",))
async def rotate(page: Page, key: str) -> Outcome:
    """Make a key's successor and show its secret."""
    return Shown("keys/secret.html", {"key": await page.post(f"/api-keys/{key}/rotate", {}), "place": "keys"})


@page("POST", "/keys/{key:str}/revoke", needs=("POST /api-keys/{id}/revoke",))
async def revoke(page: Page, key: str) -> Outcome:
    """End a key."""
    await page.post(f"/api-keys/{key}/revoke", {})
    return SeeOther(HERE, Notice(page.text("The key is revoked.")))


def _is_live(page: Page, key: JSON) -> bool:
    until = key.get("expires_at")
    return not key.get("revoked_at") and (until is None or until > page.now)


PAGES = (show_keys, make, rotate, revoke)
