"""Signing a record: by a password, or by an identity provider that asks anew who somebody is."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from woaas_api.console.confirming import Intent, path_of
from woaas_api.console.forms import given
from woaas_api.console.page import PROOF_COOKIE, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.session import too_many
from woaas_core.errors import NotFound, RateLimited, Unauthenticated
from woaas_security.identity import repository as identity
from woaas_security.identity.reauthentication import binding
from woaas_security.sso import repository as sso
from woaas_security.sso.arrival import ANSWER_LIFE
from woaas_work_orders.signatures import service as signatures

if TYPE_CHECKING:
    from asyncpg import Record

_SAID = ("subject", "meaning", "reason")


@page("POST", "/orders/{key:str}/signatures", needs=("POST /signatures",))
async def sign(page: Page, key: str) -> Outcome:
    """Sign the order or one of its operations; a wrong password is no reason to be signed out."""
    names = (*_SAID, "password", "otp")
    proof = None if "password" in page.form else page.request.cookies.get(PROOF_COOKIE, "none")
    try:
        await page.post("/signatures", given(**{n: page.form.get(n, "") for n in names}, proof=proof))
    except Unauthenticated:
        told = page.text("The password or the code is not right.")
        stale = page.text("Too much time has passed, or the record was changed; sign anew.")
        return _back(page, key, stale if proof else told, is_error=True)
    except RateLimited:
        return _back(page, key, too_many(page), is_error=True)
    return _back(page, key, page.text("Signed."))


@page("POST", "/orders/{key:str}/signatures/confirm", needs=("POST /signatures",))
async def confirm(page: Page, key: str) -> Outcome:
    """Lead who has no password to his identity provider, which asks him anew, and back to sign."""
    typed = given(**{n: page.form.get(n, "") for n in _SAID})
    user, way = page.user[0], await way_to_confirm(page)
    if way is None:
        raise NotFound
    about = await signatures.about(page.uow, user, str(typed.get("subject", "")))
    keyring = page.edge.authenticator.keyring
    wanted = f"/console/orders/{quote(key)}/signatures/confirmed?{urlencode(typed)}"
    bound_to = binding(keyring, page.visit.session, about)
    intent = Intent(way["id"], user.id, bound_to, wanted, page.now + ANSWER_LIFE)
    return Shown("gate/continue.html", {"target": path_of(keyring, intent)})


@page("GET", "/orders/{key:str}/signatures/confirmed", needs=("POST /signatures", "GET /work-orders/{id}"))
async def confirmed(page: Page, key: str) -> Outcome:
    """What is about to be signed by who has just shown to be himself."""
    # Not there for whom the order is not.
    await page.get(f"/work-orders/{key}")
    return Shown("orders/confirmed.html", {"key": key, "typed": page.query, "place": "orders"})


async def way_to_confirm(page: Page) -> "Record | None":
    """The connection that stands in for the password of a reader who may sign and has none; None for others."""
    user = page.user[0]
    if not page.may("work_order", "sign") or user.kind != "user":
        return None
    row = await identity.user(page.uow, user.id)
    return None if row is None or row["password_hash"] else await sso.way_of(page.uow, user.id)


def _back(page: Page, key: str, text: str, *, is_error: bool = False) -> SeeOther:
    notice = Notice(text, is_error=is_error)
    return SeeOther(page.form.get("back") or f"/console/orders/{key}", notice, cookies={PROOF_COOKIE: None})


PAGES = (sign, confirm, confirmed)
