"""Idempotency-Key: the same request again has the same answer and no second effect, whichever door it came through."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from woaas_core import idempotency
from woaas_core.conditional import encode
from woaas_core.errors import DomainError, IdempotencyInProgress, IdempotencyKeyReused, Malformed
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_MAX_KEY = 255
# Kept beside the headers; no header's name starts with a colon.
_VIEW, _TYPE = ":view", ":type"
# Of a refusal rendered under other rights only this much is shown again.
_PLAIN = ("type", "title", "status", "code")


class Rendered(NamedTuple):
    """An answer as it leaves; ``kept`` is the body without secrets that are shown once."""

    status: int
    headers: dict[str, str]
    body: bytes
    media_type: str = "application/json"
    kept: bytes | None = None
    is_replay: bool = False


async def once(
    uow: "UnitOfWork", principal: Principal, key: str, *, place: str, raw: bytes, run: Callable[[], Awaitable[Rendered]]
) -> Rendered:
    """Run, or repeat the answer that a run under this key gave; the answer commits with its effect.

    A refusal rolls its transaction back, so the door keeps it in one of its own, with a ``run`` that only answers.
    The key's scope is tenant and mode (the table's), principal and ``place`` (method and path, or mutation).

    Raises:
        IdempotencyInProgress: the first request is still running.
        IdempotencyKeyReused: it had another body.
        Malformed: not 1 to 255 characters.
    """
    if not 0 < len(key) <= _MAX_KEY:
        msg = f"An Idempotency-Key has 1 to {_MAX_KEY} characters."
        raise Malformed(msg)
    scope = _scope(principal, key, place)
    body_hash = hashlib.sha256(raw).digest()
    found = await idempotency.claim(uow, scope)
    if found is None or not found["free"]:
        raise IdempotencyInProgress
    if found["status"] is not None:
        if found["body_hash"] != body_hash:
            raise IdempotencyKeyReused
        return _repeated(principal, found["status"], found["headers"], found["body"])
    rendered = await run()
    await idempotency.keep(uow, scope=scope, body_hash=body_hash, **_stored(principal, rendered))
    return rendered


async def settle(uow: "UnitOfWork", principal: Principal, key: str, *, place: str, rendered: Rendered) -> None:
    """Put the answer of what was accepted before in the place of the word that it was accepted."""
    await idempotency.replace(uow, scope=_scope(principal, key, place), **_stored(principal, rendered))


def _scope(principal: Principal, key: str, place: str) -> bytes:
    return hashlib.sha256(f"{principal.id}\n{place}\n{key}".encode()).digest()


def _stored(principal: Principal, rendered: Rendered) -> dict[str, Any]:
    return {
        "status": rendered.status,
        "headers": {**rendered.headers, _VIEW: _view(principal), _TYPE: rendered.media_type},
        "body": rendered.body if rendered.kept is None else rendered.kept,
    }


def is_kept(error: Exception) -> bool:
    """Whether a refusal is an answer to keep: not what may pass by itself, nor what is said about the key."""
    if not isinstance(error, DomainError) or isinstance(error, IdempotencyInProgress | IdempotencyKeyReused):
        return False
    return 400 <= error.status < 500 and error.status not in (401, 429)


def _repeated(principal: Principal, status: int, stored: dict[str, str], body: bytes) -> Rendered:
    media_type = stored.pop(_TYPE)
    if stored.pop(_VIEW) != _view(principal):
        # The caller's rights have changed since: what may be shown now is a GET's to say.
        seen = msgspec.json.decode(body, type=dict[str, Any])
        body = encode({name: seen.get(name) for name in (("id",) if status < 400 else _PLAIN)})
    return Rendered(status, {**stored, "Idempotent-Replayed": "true"}, body, media_type, is_replay=True)


def _view(principal: Principal) -> str:
    """The rights an answer was rendered under."""
    grants = ",".join(sorted(str(g.id) for g in principal.grants))
    scopes = "*" if principal.scopes is None else ",".join(sorted(principal.scopes))
    rows = encode({"customer": principal.customer, "scope": principal.scope}).decode()
    return f"{principal.policy.version}:{','.join(sorted(principal.roles))}:{grants}:{scopes}:{rows}"
