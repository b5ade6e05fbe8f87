"""Applications that sign people in or act by themselves: registered, changed, given a new secret, retired."""

from woaas_api.console.forms import given
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.members import chosen, role_codes
from woaas_api.console.wishes import WISHES
from woaas_security.oauth.scopes import SCOPES

HERE = "/console/applications"
# How long the secret in use goes on beside a new one, by what the form says.
_OVERLAPS = {"day": "PT24H", "none": "PT0S"}


@page("GET", "/applications", needs=("GET /oauth-clients",))
async def show_applications(page: Page) -> Outcome:
    """The applications, retired ones apart."""
    found = (await page.get("/oauth-clients", {"limit": "200"}))["data"]
    values = {
        "live": [a for a in found if not a.get("archived_at")],
        "ended": [a for a in found if a.get("archived_at")],
        "wishes": {scope: page.text(WISHES[scope]) for scope in SCOPES},
    }
    return Shown("applications/applications.html", {**values, "roles": await role_codes(page), "place": "applications"})


@page("POST", "/applications", needs=("POST /oauth-clients",))
async def register(page: Page) -> Outcome:
    """Register an application; a confidential one's secret is shown once."""
    body = {
        **_settings(page),
        "type": page.form.get("type", "confidential"),
        **given(roles=chosen(page, "roles") or None, first_party="first_party" in page.form or None),
    }
    return _registered(await page.post("/oauth-clients", body))


@page("POST", "/applications/{key:str}", needs=("PATCH /oauth-clients/{id}",))
async def change(page: Page, key: str) -> Outcome:
    """Change what an application may ask for, and where people are sent back to."""
    await page.patch(f"/oauth-clients/{key}", _settings(page))
    return SeeOther(HERE, Notice(page.text("The application is changed.")))


@page("POST", "/applications/{key:str}/rotate", needs=("POST /oauth-clients/{id}/rotate-secret",))
async def rotate(page: Page, key: str) -> Outcome:
    """Give an application a new secret and show it."""
    keep = _OVERLAPS.get(page.form.get("overlap", ""), _OVERLAPS["day"])
    made = await page.post(f"/oauth-clients/{key}/rotate-secret", {"keep_previous_for": keep})
    return _registered({**made, "replaces": keep})


@page("POST", "/applications/{key:str}/archive", needs=("POST /oauth-clients/{id}/archive",))
async def archive(page: Page, key: str) -> Outcome:
    """Retire an application."""
    await page.post(f"/oauth-clients/{key}/archive", {})
    return SeeOther(HERE, Notice(page.text("The application is retired; its secrets and tokens are refused.")))


def _settings(page: Page) -> JSON:
    uris = page.form.get("redirect_uris", "").split()
    return {**given(name=page.form.get("name", ""), redirect_uris=uris or None), "scopes": chosen(page, "scopes")}


def _registered(application: JSON) -> Shown:
    return Shown("applications/secret.html", {"application": application, "place": "applications"})


PAGES = (show_applications, register, change, rotate, archive)
