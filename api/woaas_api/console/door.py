"""The door of the console: session, form token, one transaction a page, and the headers of every answer."""

import secrets
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

from litestar import Response

from woaas_api.answers import RawResponse
from woaas_api.console.languages import COOKIE as LANGUAGE_COOKIE
from woaas_api.console.languages import language_of
from woaas_api.console.page import (
    CODE_COOKIE,
    PROOF_COOKIE,
    Leave,
    Notice,
    Outcome,
    Page,
    PageRoute,
    SeeOther,
    Sent,
    Visit,
)
from woaas_api.console.protection import (
    CONTENT_POLICY,
    FORM_ACTION,
    HEADERS,
    SECURE_HEADERS,
    TOKEN_FIELD,
    Seals,
    check_origin,
)
from woaas_api.console.public_api import PublicApi
from woaas_api.console.rendering import Renderer
from woaas_api.edge import DEVICE_COOKIE, SESSION_COOKIE, AnyRequest, Edge
from woaas_api.problems import as_domain_error, log, request_id_of
from woaas_api.rate_limit import RateLimiter
from woaas_api.static_files import StaticFiles
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import DomainError, Internal, Unauthenticated, UnsupportedMediaType

SIGN_IN = "/console/sign-in"
SSO_COOKIE = "woaas_sso"
GUEST_COOKIE = "woaas_guest"
NOTICE_COOKIE = "woaas_notice"
_LIFE_S = {
    NOTICE_COOKIE: 60,
    CODE_COOKIE: 600,
    LANGUAGE_COOKIE: 365 * 24 * 3600,
    DEVICE_COOKIE: 365 * 24 * 3600,
    SSO_COOKIE: 600,
    PROOF_COOKIE: 300,
}
_TOLD_ON_THE_FORM = (403, 404, 409, 412, 422)


class Console:
    """What the pages of a process share."""

    def __init__(self, edge: Edge, api: PublicApi, files: StaticFiles) -> None:
        self.edge = edge
        self.api = api
        self.seals = Seals(edge.settings.secret_key)
        self.renderer = Renderer(files)
        self._views = RateLimiter(edge.settings.rate_limit_per_minute)
        self.is_secure = edge.settings.url.startswith("https:")

    async def serve(self, request: AnyRequest, route: PageRoute) -> RawResponse:
        """Answer with a page; what goes wrong becomes a page too."""
        visit = visit_of(request)
        try:
            self.limit(visit)
            if route.method == "POST":
                await self._receive(visit)
            async with self.edge.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                response = await self._answer(uow, visit, route)
        except Unauthenticated:
            response = self._to_sign_in(request)
        except Exception as error:  # noqa: BLE001, RUF100 - the edge is where anything unforeseen becomes a page
            response = self.failure(visit, error)
        if not visit.session:
            self.set_cookie(response, GUEST_COOKIE, visit.guest)
        return response

    def limit(self, visit: Visit) -> None:
        """Count a request.

        Raises:
            RateLimited: there were too many.
        """
        address = visit.request.client.host if visit.request.client else "?"
        self._views.take(visit.session or address)

    async def _receive(self, visit: Visit) -> None:
        check_origin(visit.request)
        visit.form = await read_form(visit.request)
        self.seals.check(dict(visit.form).get(TOKEN_FIELD, ""), visit.bound_to)

    async def _answer(self, uow: UnitOfWork, visit: Visit, route: PageRoute) -> RawResponse:
        page = await self._page(uow, visit, is_open=route.is_open)
        try:
            async with uow.savepoint():
                outcome = await route.function(page, **visit.request.path_params)
        except DomainError as error:
            # A refused command is told where it was given; the transaction goes on without it.
            back = page.form.get("back")
            if not back or error.status not in _TOLD_ON_THE_FORM:
                raise
            outcome = SeeOther(back, Notice(page.text(error.title), _reasons(error), is_error=True))
        return self._respond(page, outcome)

    async def _page(self, uow: UnitOfWork, visit: Visit, *, is_open: bool) -> Page:
        try:
            if not visit.session:
                raise Unauthenticated
            reader = await self.edge.authenticator.by_session(uow, visit.session)
        except Unauthenticated:
            if not is_open:
                raise
            return Page(self.edge, self.api, visit, uow, None)
        page = Page(self.edge, self.api, visit, uow, reader)
        page.me = await page.get("/me")
        return page

    def _respond(self, page: Page, outcome: Outcome) -> RawResponse:
        request = page.request
        if isinstance(outcome, SeeOther):
            return self._redirect(request, outcome)
        if isinstance(outcome, Leave):
            return self.leave(request, outcome.location)
        if isinstance(outcome, Sent):
            disposition = f"attachment; filename*=UTF-8''{quote(outcome.filename)}"
            headers = {**self._headers(request), "Content-Disposition": disposition}
            return Response(outcome.body, media_type=outcome.media_type, headers=headers)
        is_whole = "hx-target" not in request.headers
        notice = self.seals.open(request.cookies.get(NOTICE_COOKIE, "")) if is_whole else None
        html = self.renderer.page(page, outcome, token=self.seals.token(page.visit.bound_to), notice=notice)
        response = self._html(request, html, outcome.status)
        if outcome.form_targets:
            policy = response.headers[CONTENT_POLICY]
            response.headers[CONTENT_POLICY] = policy.replace(
                FORM_ACTION, " ".join([FORM_ACTION, *outcome.form_targets])
            )
        for name, value in outcome.cookies.items():
            self.set_cookie(response, name, value)
        if notice is not None:
            self.set_cookie(response, NOTICE_COOKIE, None)
        return response

    def failure(self, visit: Visit, error: Exception) -> RawResponse:
        """A page about an error."""
        told = as_domain_error(error)
        request_id = request_id_of(visit.request)
        if isinstance(told, Internal):
            log.error("api.console.failed", path=visit.request.url.path, request_id=request_id, exc_info=error)
        response = self._html(visit.request, self.renderer.failure(told, visit.language, request_id), told.status)
        if told.retry_after_s:
            response.headers["Retry-After"] = str(told.retry_after_s)
        return response

    def _to_sign_in(self, request: AnyRequest) -> RawResponse:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        is_page = request.method == "GET" and "hx-request" not in request.headers and wanted != "/console"
        return self._redirect(request, SeeOther(f"{SIGN_IN}?next={quote(wanted)}" if is_page else SIGN_IN))

    def leave(self, request: AnyRequest, location: str) -> RawResponse:
        """Go on at an address of somebody else, which was checked."""
        return Response(b"", status_code=303, headers={**self._headers(request), "Location": location})

    def go_on(self, visit: Visit, path: str) -> RawResponse:
        """Go on within the console after coming from elsewhere.

        Not by a redirect: along one that began on another site the browser would not send the session, which is Strict.
        """
        html = self.renderer.bare("gate/continue.html", visit.language, target=safe_path(path))
        return self._html(visit.request, html, 200)

    def _redirect(self, request: AnyRequest, outcome: SeeOther) -> RawResponse:
        # htmx follows a 303 itself and would put the page into the fragment's place.
        by_htmx = request.headers.get("hx-request") == "true"
        response = Response(b"", status_code=204 if by_htmx else 303, headers=self._headers(request))
        response.headers["HX-Redirect" if by_htmx else "Location"] = safe_path(outcome.location)
        if outcome.notice:
            self.set_cookie(response, NOTICE_COOKIE, self.seals.seal(outcome.notice))
        for name, value in outcome.cookies.items():
            self.set_cookie(response, name, value)
        return response

    def _html(self, request: AnyRequest, html: str, status: int) -> RawResponse:
        headers = self._headers(request)
        return Response(html.encode(), status_code=status, media_type="text/html", headers=headers)

    def _headers(self, request: AnyRequest) -> dict[str, str]:
        return {
            **(SECURE_HEADERS if self.is_secure else HEADERS),
            "Cache-Control": "no-store",
            "Vary": "HX-Request, Accept-Language, Cookie",
            "X-Request-Id": request_id_of(request),
        }

    def set_cookie(
        self,
        response: RawResponse,
        name: str,
        value: str | None,
        *,
        samesite: Literal["none", "lax", "strict"] = "strict",
    ) -> None:
        """Have the browser keep a value, or forget it where None."""
        response.set_cookie(
            name,
            value or "",
            path="/",
            httponly=True,
            samesite=samesite,
            secure=self.is_secure,
            max_age=_LIFE_S.get(name) if value else 0,
        )


def visit_of(request: AnyRequest) -> Visit:
    """A request as the console takes it."""
    return Visit(
        request,
        language_of(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")),
        session=request.cookies.get(SESSION_COOKIE, ""),
        guest=request.cookies.get(GUEST_COOKIE) or secrets.token_urlsafe(18),
    )


def safe_path(text: str) -> str:
    """A path within the console, or of an application that waits; anything else becomes the front page."""
    parts = urlsplit(text)
    is_inside = parts.path in ("/console", "/oauth/authorize") or parts.path.startswith("/console/")
    is_foreign = parts.scheme or parts.netloc or "\\" in text or any(c <= " " for c in text)
    return text if is_inside and not is_foreign else "/console"


def _reasons(error: DomainError) -> str:
    places = [f"{e.pointer.removeprefix('/')}: {e.detail}" for e in error.errors if e.detail != error.detail]
    return " ".join(filter(None, [error.specific, *places]))


async def read_form(request: AnyRequest) -> list[tuple[str, str]]:
    """The fields of a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await request.body()
    if raw and kind != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType
    return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2_000)
