"""The caller's own console sessions."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_core.ids import decode_id, encode_id
from woaas_security.identity import sessions

TAG = "Security"


class SessionView(Struct, kw_only=True):
    """A browser in which you are signed in; `method` is how: password, code, recovery_code."""

    id: str
    method: str
    address: str
    agent: str
    created_at: datetime
    expires_at: datetime
    is_current: bool


class Sessions(Struct, kw_only=True):
    """Your running sessions, newest first."""

    data: list[SessionView]


@route("GET", "/me/sessions", tag=TAG)
async def list_my_sessions(call: Call) -> Answer[Sessions]:
    """List the console sessions in which you are signed in; an API key has none."""
    rows = await sessions.own(call.uow, call.principal)
    return Answer({"data": [_shown(call, row) for row in rows]})


@route("POST", "/me/sessions/{session}/end", tag=TAG, status=204)
async def end_my_session(call: Call, session: str) -> Answer[None]:
    """End one of your console sessions, at once and everywhere."""
    await sessions.end(call.uow, call.principal, decode_id("ses", session))
    return Answer(None, 204)


def _shown(call: Call, row: Any) -> dict[str, Any]:
    names = ("method", "address", "agent", "created_at", "expires_at")
    is_current = row["id"] == call.principal.session_id
    return {"id": encode_id("ses", row["id"]), **{n: row[n] for n in names}, "is_current": is_current}


ROUTES = (list_my_sessions, end_my_session)
