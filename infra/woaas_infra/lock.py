"""A lock that a process holds by being alive: the kernel releases it however the process ends."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class ProcessLock:
    """An advisory lock on a file, which also says who holds it.

    The file stays when the lock is released: deleting it would let two processes each lock their own copy.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def acquire(self, **note: str) -> bool:
        """Take the lock without waiting; ``note`` is what :meth:`holder` tells others."""
        if self._fd is not None:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        self.note(**note)
        return True

    def note(self, **note: str) -> None:
        """Tell others something else than what :meth:`acquire` said; only while holding the lock."""
        assert self._fd is not None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps({"pid": os.getpid(), **note}).encode(), 0)

    def release(self) -> None:
        """Let others have the lock; without effect when it is not held."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def holder(self) -> tuple[int | None, dict[str, str]]:
        """The pid and the note of whoever wrote the file last; (None, {}) when it cannot be read."""
        try:
            note = json.loads(self._path.read_bytes())
            return int(note.pop("pid")), note
        except (OSError, ValueError, KeyError):
            return None, {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
