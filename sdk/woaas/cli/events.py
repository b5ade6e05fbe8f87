"""`woaas events`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from cyclopts import App

from .config import client
from .output import AsJSON, Limit, print_line, say, show_many

if TYPE_CHECKING:
    from woaas import Client
    from woaas.types.events import Event

app = App(name="events", help="Follow what happens.")

POLL_S = 1.0


@app.command(name="list")
def list_(*, type: str | None = None, limit: Limit = 50, as_json: AsJSON = False) -> None:
    """Events.

    Parameters
    ----------
    type
        Only of this type, as work_order.completed.
    """
    with client() as woaas:
        rows = list(islice(woaas.events.list(type=type, limit=min(limit, 200)), limit))
    show_many(rows, ("auditindex", "time", "type", "workorder", "id"), as_json=as_json)


@app.command
def tail(*, since: str | None = None, type: str | None = None, as_json: AsJSON = False) -> None:
    """Print events as they happen, until Ctrl-C; with --json one a line.

    Parameters
    ----------
    since
        Begin at this time instead of now, as 2026-12-01T10:00:00Z.
    type
        Only of this type, as work_order.completed.
    """
    with client() as woaas:
        for event in follow(woaas, since or datetime.now(UTC), type=type):
            if as_json:
                print_line(event)
            else:
                say(f"{event.time}  {event.type}  {event.workorder or event.subject or ''}")


def follow(woaas: Client, since: datetime | str, *, type: str | None = None) -> Iterator[Event]:
    """Every event from a time on, each once, for ever: the page where the log ends is read again and again."""
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        page = woaas.events.list(cursor=cursor, time__gte=since, type=type, limit=200)
        for event in page.data:
            if event.id not in seen:
                yield event
        seen = {event.id for event in page.data}
        if page.next_cursor is None:
            time.sleep(POLL_S)
        else:
            cursor = page.next_cursor
