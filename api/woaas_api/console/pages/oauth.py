"""An application asks a person in: `/oauth/authorize` and its consent page."""

from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode

from woaas_api.console.page import Leave, Outcome, Page, PageRoute, SeeOther, Shown
from woaas_api.console.wishes import WISHES
from woaas_api.edge import SESSION_COOKIE
from woaas_core.errors import Unauthenticated
from woaas_security.identity import service as identity
from woaas_security.oauth import authorization
from woaas_security.oauth.authorization import Asked, Elsewhere, Step
from woaas_security.oauth.redirects import origin_of
from woaas_security.oauth.scopes import told

PATH = "/oauth/authorize"
SIGN_IN = "/console/sign-in"
Pairs = list[tuple[str, str]]


async def authorize(page: Page) -> Outcome:
    """Read what an application asks and take the next step with the person in front of the browser."""
    if _comes_without_cookies(page):
        return Shown("gate/continue.html", {"target": f"{PATH}?{page.request.url.query}"})
    pairs = list(page.request.query_params.multi_items())
    try:
        asked = await authorization.ask(page.uow, page.edge.authorization_server, pairs)
        return await _take(page, asked, pairs)
    except Elsewhere as answered:
        return _leave(page, answered.location)


async def decide(page: Page) -> Outcome:
    """Take a person's answer to an application; what it asked is read anew, as nothing of a form is believed."""
    if page.reader is None:
        raise Unauthenticated
    pairs = parse_qsl(page.form.get("request", ""), keep_blank_values=True, max_num_fields=50)
    provider = page.edge.authorization_server
    try:
        asked = await authorization.ask(page.uow, provider, pairs)
        if asked.client.row["tenant_id"] != page.reader[0].tenant_id:
            return _of_others(asked)
        if page.form.get("decision") != "allow":
            raise asked.refused("access_denied", "The person did not allow it.")
        principal, session_id = page.reader
        since = await identity.signed_in_at(page.uow, session_id)
        return Leave(await authorization.allow(page.uow, provider, principal, asked, since))
    except Elsewhere as answered:
        return Leave(answered.location)


async def _take(page: Page, asked: Asked, pairs: Pairs) -> Outcome:
    since, signed_in_for, is_settled = page.now, None, False
    if page.reader is not None:
        principal, session_id = page.reader
        if asked.client.row["tenant_id"] != principal.tenant_id:
            return _of_others(asked)
        since = await identity.signed_in_at(page.uow, session_id)
        signed_in_for = max(page.now - since, timedelta(0))
        is_settled = await authorization.is_settled(page.uow, principal, asked)
    step = authorization.next_step(asked.prompts, asked.max_age, signed_in_for, is_settled=is_settled)
    if "none" in asked.prompts and step is not Step.ALLOW:
        error = "consent_required" if step is Step.ASK else "login_required"
        raise asked.refused(error, "The person has to be asked.")
    if step is Step.ALLOW:
        assert page.reader is not None
        provider = page.edge.authorization_server
        return _leave(page, await authorization.allow(page.uow, provider, page.reader[0], asked, since))
    if step is Step.ASK:
        return _question(page, asked, pairs)
    if page.reader is not None:
        await identity.sign_out(page.uow, *page.reader)
    # Who has signed in for this very request need not do it twice.
    rest = [(n, v) for n, v in pairs if n not in ("prompt", "max_age")]
    again = [("prompt", "consent")] if "consent" in asked.prompts else []
    wanted = f"{PATH}?{urlencode(rest + again)}"
    cookies = {SESSION_COOKIE: None} if page.reader is not None else {}
    return SeeOther(f"{SIGN_IN}?next={quote(wanted)}", cookies=cookies)


def _question(page: Page, asked: Asked, pairs: Pairs) -> Shown:
    values = {
        "application": asked.client.row["name"],
        "where": origin_of(asked.redirect_uri),
        "wishes": [page.text(WISHES[scope]) for scope in told(asked.scopes)],
        "asked": urlencode(pairs),
    }
    # A browser also asks this of where a form's answer leads to.
    return Shown("oauth/consent.html", values, form_targets=(origin_of(asked.redirect_uri),))


def _of_others(asked: Asked) -> Shown:
    return Shown("oauth/other_organisation.html", {"application": asked.client.row["name"]}, 403)


def _comes_without_cookies(page: Page) -> bool:
    """Whether the session may only be missing because the browser comes from another site.

    The cookie is not sent with a link from elsewhere; from a page of ours, which goes on at once, it is.
    """
    return page.reader is None and page.request.headers.get("sec-fetch-site") == "cross-site"


def _leave(page: Page, location: str) -> Outcome:
    # Behind the sign-in form a browser would take a redirect to elsewhere for the form's target, and refuse it.
    is_after_form = page.request.headers.get("sec-fetch-site") == "same-origin"
    return Shown("oauth/continue.html", {"target": location}) if is_after_form else Leave(location)


PAGES = (
    PageRoute("GET", PATH, authorize, (), is_open=True),
    PageRoute("POST", "/oauth/consent", decide, (), is_open=True),
)
