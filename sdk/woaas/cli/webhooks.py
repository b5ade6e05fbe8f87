"""`woaas webhooks`."""

from __future__ import annotations

import base64
import fnmatch
import secrets
import time
from datetime import UTC, datetime

from cyclopts import App

from .config import client
from .output import AsJSON, note, print_line, say

app = App(name="webhooks", help="Try a webhook receiver on this machine.")


@app.command
def listen(*, forward_to: str, events: list[str] | None = None, as_json: AsJSON = False) -> None:
    """Send events to a receiver on this machine as they happen, signed as the service signs them, until Ctrl-C.

    Parameters
    ----------
    forward_to
        The receiver's address, as http://localhost:3000/hook.
    events
        Only these types; work_order.* stands for all of a kind. May be given more than once.
    """
    import httpx2
    import msgspec

    from woaas.webhooks import sign

    from .events import follow

    secret = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
    note(f"signing with {secret}")
    patterns = events or ["*"]
    with client() as woaas, httpx2.Client(timeout=10) as receiver:
        for event in follow(woaas, datetime.now(UTC)):
            if not any(fnmatch.fnmatchcase(event.type, pattern) for pattern in patterns):
                continue
            body, sent_at = msgspec.json.encode(event.to_dict()), int(time.time())
            headers = {
                "content-type": "application/json",
                "webhook-id": event.id,
                "webhook-timestamp": str(sent_at),
                "webhook-signature": sign(event.id, sent_at, body, secret),
            }
            try:
                answer = str(receiver.post(forward_to, content=body, headers=headers).status_code)
            except httpx2.TransportError as error:
                answer = str(error) or type(error).__name__
            if as_json:
                print_line({"id": event.id, "type": event.type, "answer": answer})
            else:
                say(f"{event.type}  {event.id}  {answer}")
