"""Signing in and out, and the choice of a language."""

from woaas_api.console.languages import COOKIE as LANGUAGE_COOKIE
from woaas_api.console.languages import languages
from woaas_api.console.page import Outcome, Page, SeeOther, Shown, page
from woaas_api.edge import SESSION_COOKIE
from woaas_core.errors import RateLimited, Unauthenticated
from woaas_security.identity import service

FRONT = "/console"


@page("GET", "", is_open=True)
async def front(page: Page) -> Outcome:
    """The front page: the first place the reader can go to."""
    from_here = "/console/orders" if page.reader else "/console/sign-in"
    return SeeOther(from_here)


@page("GET", "/sign-in", is_open=True)
async def sign_in_form(page: Page) -> Outcome:
    """Ask who it is."""
    if page.reader:
        return SeeOther(page.query.get("next", FRONT))
    return _form(page, page.query.get("next", FRONT))


@page("POST", "/sign-in", is_open=True)
async def sign_in(page: Page) -> Outcome:
    """Start a session; a wrong address and a wrong password get the same answer."""
    email, password, wanted = (page.form.get(name, "") for name in ("email", "password", "next"))
    try:
        page.sign_ins.take(email.strip().lower())
        started = await page.edge.authenticator.sign_in(page.uow, email, password)
    except Unauthenticated:
        message = page.text("The e-mail address or the password is not right.")
        return _form(page, wanted, email=email, problem=message, status=401)
    except RateLimited as error:
        message = page.text("Too many attempts. Wait a minute, then try again.")
        del error
        return _form(page, wanted, email=email, problem=message, status=429)
    return SeeOther(wanted or FRONT, cookies={SESSION_COOKIE: started.token})


@page("POST", "/sign-out", is_open=True)
async def sign_out(page: Page) -> Outcome:
    """End the session, here and on the server."""
    if page.reader:
        await service.sign_out(page.uow, *page.reader)
    return SeeOther("/console/sign-in", cookies={SESSION_COOKIE: None})


@page("POST", "/language", is_open=True)
async def choose_language(page: Page) -> Outcome:
    """Keep a choice of language in the browser."""
    code = page.form.get("language", "")
    kept = {LANGUAGE_COOKIE: code} if code in languages() else {}
    return SeeOther(page.form.get("next", FRONT), cookies=kept)


def _form(page: Page, wanted: str, *, email: str = "", problem: str = "", status: int = 200) -> Shown:
    return Shown("sign_in.html", {"wanted": wanted, "email": email, "problem": problem}, status)


PAGES = (front, sign_in_form, sign_in, sign_out, choose_language)
