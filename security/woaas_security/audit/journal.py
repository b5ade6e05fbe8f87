"""The checkpoint of every log that was signed last, kept in a file beside the signing key.

Whoever restores or edits the database cannot take back what stands here: the sequencer signs nothing that does not
continue it. A line is one signed note as a JSON string; of several notes of a log the last line counts.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from woaas_security.audit.checkpoint import Checkpoint
from woaas_security.audit.note import parse_note

# A journal grows by a line a checkpoint; beyond this it is written anew with the last line of each log.
LARGEST_BYTES = 16 << 20


class SignedJournal:
    """The file; ``read`` it before the first ``append``. Only the working sequencer writes it."""

    def __init__(self, path: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
        self._path = path
        self._largest_bytes = largest_bytes
        self._newest: dict[str, str] = {}

    def read(self) -> None:
        """Take in what was signed so far; a last line that a crash cut short was never handed out and is dropped."""
        self._newest.clear()
        if not self._path.exists():
            return
        lines = self._path.read_bytes().split(b"\n")
        for line in lines[:-1]:
            self._take(msgspec.json.decode(line, type=str))
        self._rewrite()

    def origins(self) -> list[str]:
        """Every log of which something was signed."""
        return list(self._newest)

    def newest(self, origin: str) -> str | None:
        """The note that was signed last for a log."""
        return self._newest.get(origin)

    def append(self, notes: Iterable[str]) -> None:
        """Keep freshly signed notes; they are on disk when this returns, so hand them out afterwards."""
        fresh = list(notes)
        with self._path.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(note) + b"\n" for note in fresh))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        for note in fresh:
            self._take(note)
        if size > self._largest_bytes + 2 * sum(map(len, self._newest.values())):
            self._rewrite()

    def _take(self, note: str) -> None:
        self._newest[Checkpoint.parse(parse_note(note).text).origin] = note

    def _rewrite(self) -> None:
        draft = self._path.with_name(f".{self._path.name}.draft")
        with draft.open("wb") as file:
            file.writelines(msgspec.json.encode(note) + b"\n" for note in self._newest.values())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
