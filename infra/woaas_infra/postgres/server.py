"""Starts, watches and stops the private Postgres server of a home."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from woaas_infra.dsn import socket_dsn
from woaas_infra.errors import CannotStart
from woaas_infra.launch import launched
from woaas_infra.lock import ProcessLock
from woaas_infra.postgres import postmaster
from woaas_infra.postgres.binaries import Binaries, find_binaries
from woaas_infra.postgres.cluster import SUPERUSER, environment, explain, prepare_cluster
from woaas_infra.postgres.place import Place, settle
from woaas_infra.rotation import rotate

# Replaying the log after a crash may take minutes; a server that is not "ready" by then will not be.
READY_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 60.0

# For a small machine that also runs everything else. Commits stay durable: fsync and synchronous_commit are on.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "woaas",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    # Parallel plans need POSIX shared memory, of which a container has 64 MB, and cores, of which there are two.
    "max_parallel_workers_per_gather": "0",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a %d ",
    "log_checkpoints": "off",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """The server of one home: a child of this process, reached by a unix socket only.

    Whoever starts it first owns it; others that call ``start`` meanwhile share it and cannot stop it. It ends with
    the thread that started it, so start it from the main one. ``durable=False`` is for tests: a crash of the
    machine then loses the data.
    """

    def __init__(self, home: Path, *, durable: bool = True, binaries: Binaries | None = None) -> None:
        self._home = home.resolve()
        self._durable = durable
        self._binaries = binaries
        self._place: Place | None = None
        self._lock: ProcessLock | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self._home / "logs" / "postgres.log"

    def start(self) -> str:
        """See that the server runs and answer its superuser address; the data directory is made when missing.

        Raises:
            CannotStart: one of its kinds, in words for the operator.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        self._binaries = self._binaries or find_binaries()
        place = self._place = self._place or settle(self._home, self._binaries)
        dsn = socket_dsn(place.socket, user=SUPERUSER)
        if self._process is not None and self._process.poll() is None:
            return dsn
        lock = self._lock = self._lock or ProcessLock(self._home / "postgres.lock")
        if not lock.acquire():
            self._await_other(lock)
            return dsn
        try:
            self._end_orphan(place)
            prepare_cluster(place, self._binaries, durable=self._durable)
            self._launch(place, self._binaries)
        except BaseException:
            self.stop()
            raise
        return dsn

    def stop(self) -> None:
        """End the server if this object started it: sessions are cut off, everything committed is on disk."""
        process, self._process = self._process, None
        if process is not None:
            # Fast, immediate, and only then by force (Postgres docs, "Shutting Down the Server").
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                process.send_signal(number)
                try:
                    process.wait(STOP_TIMEOUT_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if self._lock is not None and self._lock.is_held:
            self._leave_socket_folder()
            self._lock.release()

    def is_running(self) -> bool:
        """Whether a server of this home accepts connections, whoever started it."""
        found = postmaster.living((self._home / "postgres").resolve() / "data")
        return found is not None and found.status == postmaster.READY

    def wait(self) -> int | None:
        """Block until the server this object started ends; its exit code, None when there is none to wait for."""
        process = self._process
        return None if process is None else process.wait()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _leave_socket_folder(self) -> None:
        place, self._place = self._place, None
        if place is not None and place.socket.parent != place.data.parent:
            # Outside the home, where nobody would know what an empty folder was for.
            with suppress(OSError):
                place.socket.rmdir()

    def _await_other(self, lock: ProcessLock) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.is_running():
            if time.monotonic() > deadline:
                msg = f"pid {lock.holder()[0]} is starting Postgres in {self._home} and does not finish"
                raise CannotStart(msg)
            time.sleep(0.02)

    def _end_orphan(self, place: Place) -> None:
        # We hold the lock, so whoever started a server that still lives was killed; let it finish its shutdown.
        orphan = postmaster.living(place.data)
        if orphan is not None:
            with suppress(ProcessLookupError):
                os.kill(orphan.pid, signal.SIGINT)
            if not postmaster.wait_gone(orphan.pid, place.data, STOP_TIMEOUT_S):
                msg = f"an earlier Postgres (pid {orphan.pid}) in {place.data} does not end; stop it first"
                raise CannotStart(msg)
        postmaster.clear_stale(place.data, place.socket)

    def _launch(self, place: Place, binaries: Binaries) -> None:
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while (failure := self._try_launch(place, binaries)) is not None:
            # Backends of a killed server notice within moments that it is gone; until then they hold its memory.
            if "shared memory block" not in failure or time.monotonic() > deadline:
                raise explain(failure, place.data)
            time.sleep(0.1)

    def _try_launch(self, place: Place, binaries: Binaries) -> str | None:
        settings = SETTINGS | {"unix_socket_directories": str(place.socket)} | ({} if self._durable else NOT_DURABLE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        rotate(self.log)
        with self.log.open("ab") as log:
            told_before = log.tell()
            self._process = process = subprocess.Popen(  # noqa: S603
                launched(
                    [binaries.postgres, "-D", str(place.data), *options],
                    death_signal=signal.SIGINT,
                    identity=place.identity,
                ),
                env=environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                found = postmaster.read(place.data)
                if found is not None and found.status == postmaster.READY:
                    return None
                continue
            return self._told_since(told_before)
        return self._told_since(told_before) or "it was not ready in time"

    def _told_since(self, position: int) -> str:
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")
