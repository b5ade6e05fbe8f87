"""A witness (C2SP tlog-witness): cosigns a log's checkpoint if the log only grew since the last one it cosigned.

Its state is one row per log in SQLite: looking at the last size and replacing it is one transaction, and on disk before
the cosignature is given away.
"""

import binascii
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from . import merkle
from .cosignatures import WitnessSecret
from .notes import Checkpoint, VerifierKey, decode_base64, open_checkpoint, origin_in
from .report import Malformed, Rejected, UnknownKey

MAX_REQUEST = 64 << 10
_OLD = re.compile(r"old (0|[1-9][0-9]{0,17})")
_MAX_PROOF = 63
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL)
"""


class Refused(Exception):
    """The request is answered with an HTTP status other than 200."""

    def __init__(self, status: int, body: str, media_type: str = "text/plain; charset=utf-8") -> None:
        super().__init__(body)
        self.status = status
        self.body = body
        self.media_type = media_type


class Witness:
    """Watches the logs whose keys it was given."""

    def __init__(
        self, secret: WitnessSecret, logs: Iterable[VerifierKey], state: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._logs = tuple(logs)
        self._state = state
        self._clock = clock
        with closing(self._open()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(_SCHEMA)

    def add_checkpoint(self, body: bytes) -> str:
        """The cosignature line for a request of `add-checkpoint`.

        Raises:
            Refused: 400 not in form, 404 unknown log, 403 not signed by it, 409 not grown from what was cosigned last,
                422 the proof does not show the growth.
        """
        old, proof, note = _parse(body)
        checkpoint = self._checked(note)
        if old > checkpoint.size:
            raise Refused(400, "the old size is larger than the checkpoint's\n")
        with closing(self._open()) as database:
            database.execute("BEGIN IMMEDIATE")
            row = database.execute("SELECT size, root FROM seen WHERE origin = ?", (checkpoint.origin,)).fetchone()
            size, root = row or (0, b"")
            if old != size:
                raise Refused(409, f"{size}\n", "text/x.tlog.size")
            _check_growth(checkpoint, size, root, proof)
            line = self._secret.cosign(checkpoint.text, int(self._clock()))
            database.execute(
                "INSERT INTO seen VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE "
                "SET size = excluded.size, root = excluded.root, note = excluded.note",
                (checkpoint.origin, checkpoint.size, checkpoint.root, note.decode() + line),
            )
            database.execute("COMMIT")
        return line

    def newest(self, origin: str) -> str | None:
        """The checkpoint of a log that was cosigned last, with the cosignature."""
        with closing(self._open()) as database:
            row = database.execute("SELECT note FROM seen WHERE origin = ?", (origin,)).fetchone()
        return row[0] if row else None

    def _checked(self, note: bytes) -> Checkpoint:
        try:
            origin = origin_in(note)
            keys = [key for key in self._logs if key.name == origin]
            if not keys:
                raise Refused(404, "the log is unknown here\n")
            return open_checkpoint(note, keys, "the checkpoint")
        except UnknownKey as error:
            raise Refused(403, f"{error}\n") from error
        except Malformed as error:
            raise Refused(400, f"{error}\n") from error
        except Rejected as error:
            raise Refused(403, f"{error}\n") from error

    def _open(self) -> sqlite3.Connection:
        # FULL: the new state is on disk when COMMIT returns. Transactions are begun by hand.
        database = sqlite3.connect(self._state, timeout=10, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        return database


def _check_growth(checkpoint: Checkpoint, size: int, root: bytes, proof: list[bytes]) -> None:
    if size == checkpoint.size and size and root != checkpoint.root:
        # Two roots of one size: the log shows different people different histories.
        raise Refused(409, f"{size}\n", "text/x.tlog.size")
    if size in (0, checkpoint.size):
        if proof:
            raise Refused(422, "a proof is given where there is nothing to prove\n")
    elif not merkle.is_consistent(size, checkpoint.size, root, checkpoint.root, proof):
        raise Refused(422, f"the checkpoint does not continue the one of size {size}\n")


def _parse(body: bytes) -> tuple[int, list[bytes], bytes]:
    head, separator, note = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        match = _OLD.fullmatch(lines[0])
        if not separator or match is None or len(lines) - 1 > _MAX_PROOF or len(body) > MAX_REQUEST:
            raise Refused(400, "expected an old size, proof lines, an empty line and a checkpoint\n")
        return int(match[1]), [decode_base64(line, merkle.HASH_SIZE) for line in lines[1:]], note
    except (UnicodeDecodeError, binascii.Error, Malformed) as error:
        raise Refused(400, f"the request is not in form: {error}\n") from error
