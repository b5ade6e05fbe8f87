"""Single sign-on: identity providers connected, their domains, and whether passwords still count."""

from woaas_api.console.forms import codes, given, refuse
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.members import chosen, role_codes

HERE = "/console/sso"
_SWITCHES = {"enable": {"enabled": True}, "disable": {"enabled": False, "enforced": False}}
_ENFORCEMENT = {"enforce": {"enforced": True}, "relax": {"enforced": False}}


@page("GET", "/sso", needs=("GET /sso-connections",))
async def show_connections(page: Page) -> Outcome:
    """The connections with what is still to be done for each."""
    found = (await page.get("/sso-connections", {"limit": "200"}))["data"]
    return Shown("sso/connections.html", {"connections": found, "roles": await role_codes(page), "place": "sso"})


@page("POST", "/sso", needs=("POST /sso-connections",))
async def connect(page: Page) -> Outcome:
    """Connect an identity provider."""
    names = ("name", "protocol", "metadata", "issuer", "client_id", "client_secret")
    await page.post("/sso-connections", {**_typed(page, *names), **_settings(page)})
    return SeeOther(HERE, Notice(page.text("The identity provider is connected; set the DNS record next.")))


@page("POST", "/sso/{key:str}", needs=("PATCH /sso-connections/{id}",))
async def change(page: Page, key: str) -> Outcome:
    """Change a connection; an empty secret, or no metadata, leaves what there is."""
    names = ("name", "metadata", "client_id", "client_secret")
    await page.patch(f"/sso-connections/{key}", {**_typed(page, *names), **_settings(page)})
    return SeeOther(HERE, Notice(page.text("The connection is changed.")))


@page("POST", "/sso/{key:str}/{command:str}", needs=("PATCH /sso-connections/{id}",))
async def command(page: Page, key: str, command: str) -> Outcome:
    """Switch a connection on or off, enforce it or not, remove it."""
    if command == "remove":
        await page.delete(f"/sso-connections/{key}")
    else:
        await page.patch(f"/sso-connections/{key}", {**_SWITCHES, **_ENFORCEMENT}.get(command, {}))
    return SeeOther(HERE, Notice(page.text("Done.")))


def _typed(page: Page, *names: str) -> JSON:
    return given(**{name: page.form.get(name, "").strip() for name in names})


def _settings(page: Page) -> JSON:
    return {
        "domains": [domain.lower() for domain in codes(page.form.get("domains", ""))],
        **given(roles=chosen(page, "roles") or None),
        "role_claim": page.form.get("role_claim", "").strip() or None,
        "role_map": _role_map(page.form.get("role_map", "")),
    }


def _role_map(text: str) -> dict[str, str]:
    """Lines of ``value = role``."""
    found = {}
    for line in text.splitlines():
        value, equals, role = (part.strip() for part in line.rpartition("="))
        if equals and value and role:
            found[value] = role
        elif line.strip():
            raise refuse("/role_map", "Write each line as: value = role")
    return found


PAGES = (show_connections, connect, change, command)
