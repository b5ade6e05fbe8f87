"""The witness as a small HTTP server, for an auditor to run on a machine of his own."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from .cosignatures import WitnessSecret
from .witness import MAX_REQUEST, Refused, Witness

_TEXT = "text/plain; charset=utf-8"


def load_or_generate_secret(path: Path, name: str) -> WitnessSecret:
    """The key in the file; a first start makes one, readable by its owner alone.

    Raises:
        Malformed: the file has no key of a witness.
    """
    if not path.exists():
        secret = WitnessSecret.generate(name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secret.stored()}\n")
        return secret
    return WitnessSecret.parse(path.read_text(encoding="utf-8").strip())


def witness_server(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """A server of `POST /add-checkpoint`, and of `GET /checkpoint/ORIGIN` for whoever wants to compare; not started."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint":
                self._answer(404, "there is only add-checkpoint\n")
            elif not length.isdigit() or int(length) > MAX_REQUEST:
                self._answer(413, "the request has no length or is too long\n")
            else:
                try:
                    self._answer(200, witness.add_checkpoint(self.rfile.read(int(length))))
                except Refused as refusal:
                    self._answer(refusal.status, refusal.body, refusal.media_type)

        def do_GET(self) -> None:
            start, _, origin = self.path.partition("/checkpoint/")
            note = witness.newest(unquote(origin)) if not start and origin else None
            self._answer(200, note) if note else self._answer(404, "nothing is known of such a log\n")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing; the state has what matters."""

        def _answer(self, status: int, body: str, media_type: str = _TEXT) -> None:
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            if status == 413:
                self.send_header("Connection", "close")  # The body was not read.
                self.close_connection = True
            self.end_headers()
            self.wfile.write(content)

    return ThreadingHTTPServer((host, port), Handler)
