"""Answers stored under an Idempotency-Key: finding one to repeat, and keeping one beside its effect."""

import hashlib
from typing import Any

import msgspec
from litestar import Request, Response

from woaas_api.answers import RawResponse
from woaas_api.problems import request_id_of
from woaas_core import idempotency
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import DomainError, IdempotencyInProgress, IdempotencyKeyReused, Malformed
from woaas_security.principal import Principal

AnyRequest = Request[Any, Any, Any]
_MAX_KEY = 255
# Kept beside the headers; no header's name starts with a colon.
_VIEW, _TYPE = ":view", ":type"
# Of a refusal rendered under other rights only this much is shown again.
_PLAIN = ("type", "title", "status", "code")


def scope_of(request: AnyRequest, principal: Principal, key: str) -> bytes:
    """Tenant and mode are the table's key; the rest of the scope is hashed together."""
    if not 0 < len(key) <= _MAX_KEY:
        msg = "An Idempotency-Key has 1 to 255 characters."
        raise Malformed(msg)
    text = f"{principal.id}\n{request.method}\n{request.url.path}\n{key}"
    return hashlib.sha256(text.encode()).digest()


def is_kept(error: Exception) -> bool:
    """Whether a refusal is an answer to keep: not what may pass by itself, nor what is said about the key."""
    if not isinstance(error, DomainError) or isinstance(error, IdempotencyInProgress | IdempotencyKeyReused):
        return False
    return 400 <= error.status < 500 and error.status not in (401, 429)


async def find(
    uow: UnitOfWork, principal: Principal, request: AnyRequest, scope: bytes, raw: bytes
) -> RawResponse | None:
    """The stored answer of a key, after authentication has run again; None means the key is ours to use.

    Raises:
        IdempotencyInProgress: a twin of this request is running.
        IdempotencyKeyReused: the key came with another body.
    """
    found = await idempotency.claim(uow, scope)
    if found is None or not found["free"]:
        raise IdempotencyInProgress
    if found["status"] is None:
        return None
    if found["body_hash"] != hashlib.sha256(raw).digest():
        raise IdempotencyKeyReused
    stored: dict[str, str] = found["headers"]
    body, media_type = found["body"], stored.pop(_TYPE)
    if stored.pop(_VIEW) != _view(principal):
        # The caller's rights have changed since: what may be shown now is a GET's to say.
        seen = msgspec.json.decode(body, type=dict[str, Any])
        names = _PLAIN if found["status"] >= 400 else ("id",)
        body = msgspec.json.encode({name: seen.get(name) for name in names})
    headers = {**stored, "X-Request-Id": request_id_of(request), "Idempotent-Replayed": "true"}
    return Response(body, status_code=found["status"], media_type=media_type, headers=headers)


async def keep(
    uow: UnitOfWork, principal: Principal, scope: bytes, raw: bytes, response: RawResponse, *, body: bytes | None = None
) -> None:
    """Store an answer; ``body`` is what replays show where a secret must not be stored."""
    kept = {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
    await idempotency.keep(
        uow,
        scope=scope,
        body_hash=hashlib.sha256(raw).digest(),
        status=response.status_code or 200,
        headers={**kept, _VIEW: _view(principal), _TYPE: str(response.media_type)},
        body=response.content if body is None else body,
    )


def _view(principal: Principal) -> str:
    """The rights an answer was rendered under."""
    return f"{principal.policy.version}:{','.join(sorted(principal.roles))}"
