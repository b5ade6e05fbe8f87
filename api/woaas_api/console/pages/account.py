"""One's own account: password, second factor, sessions."""

import segno

from woaas_api.console.page import Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.recovery import said
from woaas_api.console.pages.session import too_many
from woaas_core.db.statements import Row
from woaas_core.errors import Invalid, RateLimited
from woaas_security.identity import credentials, repository, second_factor
from woaas_security.identity.second_factor import Enrolment

HERE = "/console/account"


@page("GET", "/account", needs=("GET /me/sessions",))
async def show_account(page: Page) -> Outcome:
    """How the reader signs in, and where he is signed in."""
    return await _account(page)


@page("POST", "/account/password")
async def change_password(page: Page) -> Outcome:
    """Change the password; the reader's other sessions end."""
    principal, session_id = page.user
    current, new = page.form.get("current", ""), page.form.get("new", "")
    try:
        await credentials.change_password(
            page.uow, page.edge.authenticator.keyring, principal, session_id, current=current, new=new
        )
    except (Invalid, RateLimited) as error:
        return await _refused(page, "password", error)
    return SeeOther(HERE, Notice(page.text("The password is changed. Your other sessions have ended.")))


@page("POST", "/account/email")
async def verify_address(page: Page) -> Outcome:
    """Have a link sent that confirms the reader's address."""
    await credentials.ask_to_verify(page.uow, page.user[0])
    return SeeOther(HERE, Notice(page.text("A link is on its way to your address.")))


@page("POST", "/account/second-factor")
async def begin_second_factor(page: Page) -> Outcome:
    """Show the secret to an authenticator app."""
    keyring, principal = page.edge.authenticator.keyring, page.user[0]
    try:
        row = await _check_password(page)
    except (Invalid, RateLimited) as error:
        return await _refused(page, "second_factor", error)
    return _enrolment(await second_factor.begin(page.uow, keyring, principal, row["email"]))


@page("POST", "/account/second-factor/confirm")
async def confirm_second_factor(page: Page) -> Outcome:
    """Turn the second factor on with its first code; the recovery codes are shown this once."""
    keyring, principal = page.edge.authenticator.keyring, page.user[0]
    row = await repository.user(page.uow, principal.id)
    waiting = await second_factor.pending(page.uow, keyring, principal, row["email"] if row else "")
    if waiting is None:
        return SeeOther(HERE)
    try:
        codes = await second_factor.confirm(page.uow, keyring, principal, page.form.get("code", ""))
    except Invalid as error:
        return _enrolment(waiting, said(page, error))
    return Shown("account/recovery_codes.html", {"codes": codes, "place": "account"})


@page("POST", "/account/recovery-codes")
async def renew_recovery_codes(page: Page) -> Outcome:
    """Make new recovery codes."""
    try:
        await _check_password(page)
    except (Invalid, RateLimited) as error:
        return await _refused(page, "second_factor", error)
    codes = await second_factor.renew_recovery_codes(page.uow, page.edge.authenticator.keyring, page.user[0])
    return Shown("account/recovery_codes.html", {"codes": codes, "place": "account"})


@page("POST", "/account/second-factor/remove")
async def remove_second_factor(page: Page) -> Outcome:
    """Sign in without a code from now on."""
    try:
        await _check_password(page)
    except (Invalid, RateLimited) as error:
        return await _refused(page, "second_factor", error)
    await second_factor.remove(page.uow, page.user[0])
    return SeeOther(HERE, Notice(page.text("Signing in asks for no code any more.")))


@page("POST", "/account/sessions/{key:str}/end", needs=("POST /me/sessions/{id}/end",))
async def end_session(page: Page, key: str) -> Outcome:
    """End one of the reader's sessions."""
    await page.post(f"/me/sessions/{key}/end", {})
    return SeeOther(HERE, Notice(page.text("The session has ended.")))


async def _check_password(page: Page) -> Row:
    keyring, typed = page.edge.authenticator.keyring, page.form.get("current", "")
    row: Row = await credentials.require_password(page.uow, keyring, page.user[0], typed)
    return row


async def _account(page: Page, wrong: dict[str, str] | None = None, status: int = 200) -> Shown:
    principal = page.user[0]
    values = {
        "user": await repository.user(page.uow, principal.id),
        "second_factor": await second_factor.status(page.uow, principal.id),
        "sessions": (await page.get("/me/sessions"))["data"],
        "wrong": wrong or {},
        "place": "account",
    }
    return Shown("account/account.html", values, status)


async def _refused(page: Page, part: str, error: Invalid | RateLimited) -> Shown:
    text = said(page, error) if isinstance(error, Invalid) else too_many(page)
    return await _account(page, {part: text}, error.status)


def _enrolment(enrolment: Enrolment, problem: str = "") -> Shown:
    picture = segno.make(enrolment.uri, error="m").svg_data_uri(scale=5, border=2, dark="#000", light="#fff")
    values = {"enrolment": enrolment, "picture": picture, "problem": problem, "place": "account"}
    return Shown("account/enrolment.html", values, 422 if problem else 200)


PAGES = (
    *(show_account, change_password, verify_address),
    *(begin_second_factor, confirm_second_factor, renew_recovery_codes, remove_second_factor),
    end_session,
)
