"""Signing in and out, and the choice of a language."""

from urllib.parse import urlencode

from woaas_api.console.languages import COOKIE as LANGUAGE_COOKIE
from woaas_api.console.languages import languages
from woaas_api.console.page import CODE_COOKIE, Outcome, Page, SeeOther, Shown, page
from woaas_api.edge import DEVICE_COOKIE, SESSION_COOKIE
from woaas_core.errors import RateLimited, Unauthenticated
from woaas_core.ids import encode_id
from woaas_security.identity import service
from woaas_security.identity import sign_in as signing
from woaas_security.identity.one_time import LinkExpired
from woaas_security.sso import repository as sso

FRONT = "/console"
SIGN_IN = "/console/sign-in"


@page("GET", "", is_open=True)
async def front(page: Page) -> Outcome:
    """The front page: the first place the reader can go to."""
    return SeeOther("/console/orders" if page.reader else SIGN_IN)


@page("GET", "/sign-in", is_open=True)
async def sign_in_form(page: Page) -> Outcome:
    """Ask who it is."""
    if page.reader:
        return SeeOther(page.query.get("next", FRONT))
    return _form(page, page.query.get("next", FRONT), asks_password=page.query.get("by") == "password")


@page("POST", "/sign-in", is_open=True)
async def sign_in(page: Page) -> Outcome:
    """Start a session, or ask for a code; a wrong address and a wrong password get the same answer.

    Who has given his address only is led to his organisation's identity provider, or asked for his password.
    """
    email, password, wanted = (page.form.get(name, "") for name in ("email", "password", "next"))
    if "password" not in page.form:
        return await _lead_on(page, email, wanted)
    try:
        found = await signing.sign_in(page.uow, page.edge.authenticator, email, password, page.origin)
    except Unauthenticated:
        message = page.text("The e-mail address or the password is not right.")
        return _form(page, wanted, email=email, problem=message, status=401)
    except RateLimited:
        return _form(page, wanted, email=email, problem=too_many(page), status=429)
    if isinstance(found, signing.AwaitsCode):
        return Shown("gate/code.html", {"wanted": wanted, "problem": ""}, cookies={CODE_COOKIE: found.token})
    return _let_in(found, wanted)


@page("POST", "/sign-in/code", is_open=True)
async def give_code(page: Page) -> Outcome:
    """Start the session of who has given his password, by the code of his second factor."""
    code, wanted = page.form.get("code", ""), page.form.get("next", "")
    token = page.request.cookies.get(CODE_COOKIE, "")
    try:
        started = await signing.give_code(page.uow, page.edge.authenticator, token, code, page.origin)
    except LinkExpired:
        return _form(page, wanted, problem=page.text("Too much time has passed; sign in again."), status=401)
    except Unauthenticated:
        message = page.text("The code is not right, or it has been used.")
        return Shown("gate/code.html", {"wanted": wanted, "problem": message}, 401)
    except RateLimited:
        return Shown("gate/code.html", {"wanted": wanted, "problem": too_many(page)}, 429)
    return _let_in(started, wanted)


@page("POST", "/sign-out", is_open=True)
async def sign_out(page: Page) -> Outcome:
    """End the session, here and on the server."""
    if page.reader:
        await service.sign_out(page.uow, *page.reader)
    return SeeOther(SIGN_IN, cookies={SESSION_COOKIE: None})


@page("POST", "/language", is_open=True)
async def choose_language(page: Page) -> Outcome:
    """Keep a choice of language in the browser."""
    code = page.form.get("language", "")
    kept = {LANGUAGE_COOKIE: code} if code in languages() else {}
    return SeeOther(page.form.get("next", FRONT), cookies=kept)


def too_many(page: Page) -> str:
    """What is said while guesses are being slowed down."""
    return page.text("Too many attempts. Wait a little, then try again.")


def _let_in(started: service.SignedIn, wanted: str) -> SeeOther:
    cookies = {SESSION_COOKIE: started.token, DEVICE_COOKIE: started.device, CODE_COOKIE: None}
    return SeeOther(wanted or FRONT, cookies=cookies)


async def _lead_on(page: Page, email: str, wanted: str) -> Outcome:
    found = await sso.by_domain(page.uow, email.strip().lower().rpartition("@")[2])
    ways = [
        {"name": row["name"], "path": f"/console/sso/{encode_id('sso', row['id'])}/start?{urlencode({'next': wanted})}"}
        for row in found
    ]
    if len(ways) == 1:
        # Not a redirect: browsers let no form lead to another site, and this one goes on to the provider's.
        return Shown("gate/continue.html", {"target": ways[0]["path"]})
    if ways:
        return Shown("gate/choose.html", {"ways": ways})
    return _form(page, wanted, email=email)


def _form(
    page: Page, wanted: str, *, email: str = "", problem: str = "", status: int = 200, asks_password: bool = True
) -> Shown:
    values = {"wanted": wanted, "email": email, "problem": problem, "asks_password": asks_password}
    return Shown("gate/sign_in.html", values, status)


PAGES = (front, sign_in_form, sign_in, give_code, sign_out, choose_language)
