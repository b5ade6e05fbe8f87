"""One's own sessions: where one is signed in, and the end of it there."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.errors import NotFound
from woaas_core.ids import encode_id
from woaas_security.identity import events, repository
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def own(uow: "UnitOfWork", principal: Principal) -> "list[Record]":
    """The caller's running sessions, newest first; a key has none, and an application is not shown its user's."""
    if principal.scopes is not None:
        return []
    return await repository.sessions_of(uow, principal.id)


async def end(uow: "UnitOfWork", principal: Principal, session_id: UUID) -> None:
    """End one of the caller's sessions; it is refused from the next request on, in every process.

    Raises:
        NotFound: not a running session of his.
    """
    if principal.scopes is not None or not await repository.end_session(uow, principal.id, session_id, uow.clock.now()):
        raise NotFound
    uow.record(events.SESSION_ENDED, subject=encode_id("usr", principal.id))
