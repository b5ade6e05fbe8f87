"""Pages as values: a path, a function, what it shows. The function gets a ``Page`` and returns what to answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from woaas_api.console.languages import Language
from woaas_api.console.public_api import PublicApi
from woaas_api.edge import AnyRequest, Call, Edge, origin_of
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import Unauthenticated
from woaas_security.identity.service import Origin
from woaas_security.principal import Principal

Method = Literal["GET", "POST"]
JSON = dict[str, Any]
CODE_COOKIE = "woaas_code"
PROOF_COOKIE = "woaas_proof"


class Notice(msgspec.Struct, frozen=True):
    """What is told once, on the page that comes next."""

    text: str
    detail: str = ""
    is_error: bool = False


@dataclass(frozen=True)
class Shown:
    """A template with its values, with cookies as ``SeeOther``; ``form_targets`` are where else its forms may lead."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    form_targets: tuple[str, ...] = ()
    cookies: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """Bytes to keep as a file."""

    body: bytes
    media_type: str
    filename: str


@dataclass(frozen=True)
class SeeOther:
    """Go on elsewhere in the console; ``cookies`` are set on the way, or taken away where None."""

    location: str
    notice: Notice | None = None
    cookies: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Leave:
    """Go on at an address of somebody else, which was checked to be the one registered."""

    location: str


Outcome = Shown | SeeOther | Sent | Leave
Function = Callable[..., Awaitable[Outcome]]


@dataclass
class Visit:
    """A request before anybody is asked who it is: ``guest`` stands in for the session until there is one."""

    request: AnyRequest
    language: Language
    session: str
    guest: str
    form: list[tuple[str, str]] = field(default_factory=list)

    @property
    def bound_to(self) -> str:
        """What form tokens are bound to."""
        return self.session or self.guest


class Page:
    """One page being answered: its reader, his language and zone, and the public API as he may use it."""

    def __init__(
        self,
        edge: Edge,
        api: PublicApi,
        visit: Visit,
        uow: UnitOfWork,
        reader: tuple[Principal, UUID] | None,
    ) -> None:
        self.edge = edge
        self.visit = visit
        self.uow = uow
        self.reader = reader
        self.me: JSON = {}
        self._api = api

    @property
    def request(self) -> AnyRequest:
        """The browser's request."""
        return self.visit.request

    @property
    def language(self) -> Language:
        """The reader's language."""
        return self.visit.language

    @property
    def form(self) -> dict[str, str]:
        """What was typed; of a repeated name the last value."""
        return dict(self.visit.form)

    @property
    def query(self) -> dict[str, str]:
        """The query string; of a repeated name the last value."""
        return dict(self.request.query_params.multi_items())

    @property
    def now(self) -> datetime:
        """The instant this page is drawn at."""
        return self.uow.clock.now()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone that this tenant's times are shown and typed in."""
        return ZoneInfo(self.me.get("time_zone") or "UTC")

    @property
    def origin(self) -> Origin:
        """Where this request comes from, for those who sign in with it."""
        return origin_of(self.request)

    @property
    def user(self) -> tuple[Principal, UUID]:
        """The person who reads this page and his session; a page that is not open always has one."""
        if self.reader is None:
            raise Unauthenticated
        return self.reader

    def wants_fragment(self, target: str) -> bool:
        """Whether htmx asks for that part of the page rather than the whole."""
        return self.request.headers.get("hx-target") == target

    def text(self, message: str) -> str:
        """A message in the reader's language."""
        return str(self.language.catalogue.gettext(message)) if message else ""

    def has(self, operation: str) -> bool:
        """Whether this server has an operation such as ``GET /work-orders``."""
        return self._api.has(operation)

    def may(self, resource: str, action: str) -> bool:
        """Whether the reader's roles allow an action on a kind of object."""
        return action in self.actions(resource)

    def actions(self, resource: str) -> list[str]:
        """Every action that the reader's roles allow on a kind of object."""
        return list(self._permissions(resource).get("actions", ()))

    def sees(self, resource: str, name: str) -> bool:
        """Whether a field is shown to the reader, be it masked."""
        access = self._permissions(resource)
        return name in access.get("readable", ()) or name in access.get("masked", ())

    def writes(self, resource: str, name: str) -> bool:
        """Whether the reader may write a field."""
        return name in self._permissions(resource).get("writable", ())

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Read from the public API, in the transaction of this page."""
        return await self._ask("GET", path, query=query)

    async def post(self, path: str, body: object) -> Any:
        """Do something through the public API, in the transaction of this page."""
        return await self._ask("POST", path, body=body)

    async def put(self, path: str, body: object) -> Any:
        """Set something through the public API, in the transaction of this page."""
        return await self._ask("PUT", path, body=body)

    async def patch(self, path: str, body: object) -> Any:
        """Change something through the public API, in the transaction of this page."""
        return await self._ask("PATCH", path, body=body)

    async def delete(self, path: str) -> Any:
        """Take something away through the public API, in the transaction of this page."""
        return await self._ask("DELETE", path)

    async def _ask(self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None) -> Any:
        caller = Call(self.edge, self.request, self.uow, self.user[0], b"")
        return (await self._api.call(caller, method, path, query=query, body=body)).value

    def _permissions(self, resource: str) -> JSON:
        found: JSON = self.me.get("permissions", {}).get(resource, {})
        return found


@dataclass(frozen=True, eq=False)
class PageRoute:
    """A page of the console."""

    method: Method
    path: str
    function: Function
    needs: tuple[str, ...]
    is_open: bool


def page(
    method: Method, path: str, *, needs: tuple[str, ...] = (), is_open: bool = False
) -> Callable[[Function], PageRoute]:
    """Declare a page under ``/console``.

    ``needs`` are the API operations it stands on: where the server lacks one, the page is not there either.
    An open page is for everybody, signed in or not.
    """

    def declare(function: Function) -> PageRoute:
        return PageRoute(method, f"/console{path}", function, needs, is_open)

    return declare
