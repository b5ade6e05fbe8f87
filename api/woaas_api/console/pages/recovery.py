"""What the links of mails lead to: a new password, a verified address."""

from woaas_api.console.forms import complaints
from woaas_api.console.page import Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.session import SIGN_IN, too_many
from woaas_api.console.vocabulary import N_
from woaas_core.errors import Invalid, RateLimited
from woaas_security.identity import credentials
from woaas_security.identity.one_time import LinkExpired

REFUSALS = (
    N_("A password has 12 to 256 characters."),
    N_("This password is among the first that are guessed; choose another."),
    N_("This is not your present password."),
    N_("This is not the code of this moment; check the clock of the device."),
)
"""What the rules for credentials say, for the catalogues."""


@page("GET", "/forgot", is_open=True)
async def forgot_form(page: Page) -> Outcome:
    """Ask for the address to send a link to."""
    return Shown("gate/forgot.html", {"problem": "", "is_sent": False})


@page("POST", "/forgot", is_open=True)
async def forgot(page: Page) -> Outcome:
    """Have a link sent; the answer is the same whether anybody has the address."""
    try:
        await credentials.request_reset(
            page.uow, page.edge.authenticator.keyring, page.form.get("email", ""), address=page.origin.address
        )
    except RateLimited:
        return Shown("gate/forgot.html", {"problem": too_many(page), "is_sent": False}, 429)
    return Shown("gate/forgot.html", {"problem": "", "is_sent": True})


@page("GET", "/reset", is_open=True)
async def reset_form(page: Page) -> Outcome:
    """Ask for the new password."""
    return Shown("gate/reset.html", {"link": page.query.get("token", ""), "problem": ""})


@page("POST", "/reset", is_open=True)
async def reset(page: Page) -> Outcome:
    """Set the new password."""
    link = page.form.get("token", "")
    try:
        await credentials.reset_password(page.uow, page.edge.authenticator.keyring, link, page.form.get("password", ""))
    except LinkExpired:
        return expired(page)
    except Invalid as error:
        return Shown("gate/reset.html", {"link": link, "problem": said(page, error)}, 422)
    return SeeOther(SIGN_IN, Notice(page.text("The password is set. Sign in with it.")))


@page("GET", "/join", is_open=True)
async def join_form(page: Page) -> Outcome:
    """Ask an invited person for a password."""
    return Shown("gate/join.html", {"link": page.query.get("token", ""), "problem": ""})


@page("POST", "/join", is_open=True)
async def join(page: Page) -> Outcome:
    """Let an invited person in, with the password of his choice."""
    link = page.form.get("token", "")
    try:
        await credentials.accept_invitation(
            page.uow, page.edge.authenticator.keyring, link, page.form.get("password", "")
        )
    except LinkExpired:
        return expired(page)
    except Invalid as error:
        return Shown("gate/join.html", {"link": link, "problem": said(page, error)}, 422)
    return SeeOther(SIGN_IN, Notice(page.text("Welcome. Sign in with your address and the password.")))


@page("GET", "/verify", is_open=True)
async def verify_form(page: Page) -> Outcome:
    """Ask for a click: programs that look into mail follow links too."""
    return Shown("gate/verify.html", {"link": page.query.get("token", "")})


@page("POST", "/verify", is_open=True)
async def verify(page: Page) -> Outcome:
    """Note that the address is its owner's."""
    try:
        await credentials.verify_email(page.uow, page.edge.authenticator.keyring, page.form.get("token", ""))
    except LinkExpired:
        return expired(page)
    return SeeOther("/console/account" if page.reader else SIGN_IN, Notice(page.text("The address is confirmed.")))


def said(page: Page, error: Invalid) -> str:
    """What is wrong, in the reader's language."""
    return " ".join(page.text(text) for text in complaints(error).values())


def expired(page: Page) -> Shown:
    """What an old link shows."""
    return Shown("gate/expired.html", {}, 410)


PAGES = (forgot_form, forgot, reset_form, reset, join_form, join, verify_form, verify)
