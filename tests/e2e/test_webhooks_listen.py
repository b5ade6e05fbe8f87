"""`woaas webhooks listen`: events of a server reach a receiver on this machine, signed with the secret it prints."""

import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count

import httpx
import pytest
from fixtures.live_app import LiveApp
from fixtures.processes import PATIENCE_S
from fixtures.server import BIN

from woaas import webhooks

Got = tuple[dict[str, str], bytes]


@pytest.fixture
def receiver() -> Iterator[tuple[str, "queue.Queue[Got]"]]:
    got: queue.Queue[Got] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()


def test_it_forwards_what_happens(live_app: LiveApp, receiver: tuple[str, "queue.Queue[Got]"]) -> None:
    url, got = receiver
    command = [str(BIN / "woaas"), "webhooks", "listen", "--forward-to", url, "--events", "work_order.*"]
    environment = {**os.environ, "WOAAS_BASE_URL": live_app.url, "WOAAS_API_KEY": live_app.keys["owner"]}
    listening = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert listening.stderr is not None
        secret = listening.stderr.readline().split()[-1]
        with httpx.Client(base_url=live_app.url, headers=live_app.headers()) as client:
            # It follows what happens from its first look on, which is a moment after it says so.
            for waited_s in count():
                client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
                try:
                    headers, body = got.get(timeout=1)
                    break
                except queue.Empty:
                    assert waited_s < PATIENCE_S
        event = webhooks.verify(body, headers, secret)
        assert (event.type, event.livemode) == ("work_order.created", True)

    finally:
        listening.kill()
        listening.communicate()
