"""Members: invited, changed, suspended, removed."""

from woaas_api.console.forms import codes, given, instant
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page

HERE = "/console/members"
_CODES = ("sites", "lines", "work_orders")
_ONE = ("participant", "operator")


@page("GET", "/members", needs=("GET /members", "POST /members"))
async def show_members(page: Page) -> Outcome:
    """Everybody who has, or is to have, access."""
    found = (await page.get("/members", {"limit": "200"}))["data"]
    shown = page.query.get("state", "")
    values = {
        "members": [m for m in found if (m.get("state") == "removed") == (shown == "removed")],
        "removed": sum(m.get("state") == "removed" for m in found),
        "shows_removed": shown == "removed",
        "roles": await role_codes(page),
        "place": "members",
    }
    return Shown("members/members.html", values)


@page("POST", "/members", needs=("POST /members",))
async def invite(page: Page) -> Outcome:
    """Have a link to join sent."""
    typed = {name: page.form.get(name, "").strip() for name in ("email", "name", "customer", "language")}
    body = {**given(**typed), "roles": chosen(page, "roles"), "scope": _scope(page), "access_until": _until(page)}
    await page.post("/members", body)
    return SeeOther(HERE, Notice(page.text("The invitation is on its way.")))


@page("POST", "/members/{key:str}", needs=("PATCH /members/{id}",))
async def change(page: Page, key: str) -> Outcome:
    """Give a member other roles, another customer, another part of the tenant or another end of access."""
    body: JSON = {"roles": chosen(page, "roles"), "customer": page.form.get("customer") or None, "scope": _scope(page)}
    body["access_until"] = _until(page)
    await page.patch(f"/members/{key}", body)
    return SeeOther(HERE, Notice(page.text("The member is changed.")))


@page("POST", "/members/{key:str}/{command:str}", needs=("POST /members/{id}/suspend",))
async def command(page: Page, key: str, command: str) -> Outcome:
    """Invite again, suspend, reinstate or remove."""
    if command == "remove":
        await page.delete(f"/members/{key}")
    else:
        await page.post(f"/members/{key}/{command}", {})
    return SeeOther(HERE, Notice(page.text("Done.")))


async def role_codes(page: Page) -> list[str]:
    """The codes of the roles that there are, as far as the reader may know them."""
    if not page.sees("role", "code"):
        return []
    found = (await page.get("/roles"))["data"]
    return [role["code"] for role in found if not role.get("archived_at")]


def chosen(page: Page, name: str) -> list[str]:
    """Every value of a repeated field."""
    return [value for field, value in page.visit.form if field == name and value]


def _scope(page: Page) -> JSON:
    lists = {name: codes(page.form.get(name, "")) for name in _CODES}
    ones = {name: page.form.get(name, "").strip() for name in _ONE}
    return {name: value for name, value in {**lists, **ones}.items() if value}


def _until(page: Page) -> str | None:
    return instant(page.form.get("access_until", ""), page.zone, "/access_until")


PAGES = (show_members, invite, change, command)
