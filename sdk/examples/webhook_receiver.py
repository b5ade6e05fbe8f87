"""Receive webhooks with nothing but the standard library.

Try it with `woaas webhooks listen --forward-to http://localhost:3000`, which prints the secret to set.
"""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from woaas import WebhookVerificationError, webhooks

SECRET = os.environ["WOAAS_WEBHOOK_SECRET"]
LARGEST_BODY = 1 << 20


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what the service signed, 400 to everything else."""

    def do_POST(self) -> None:
        """Check, then act; the same event may come more than once, so act by its id."""
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST_BODY))
        try:
            event = webhooks.verify(body, dict(self.headers), SECRET)
        except WebhookVerificationError as error:
            self.send_error(400, str(error))
            return
        if event.type == "work_order.completed":
            print(f"{event.workorder} is completed (event {event.id})")
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", 3000), Receiver).serve_forever()
