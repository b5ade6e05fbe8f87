"""Where a home's server keeps its files and as whom it runs."""

import hashlib
import os
import pwd
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from woaas_infra import launch
from woaas_infra.errors import CannotStart, NotTraversable
from woaas_infra.postgres.binaries import Binaries

# sun_path holds 104 bytes on macOS and 108 on Linux; the margin is for the lock file's name beside the socket.
LONGEST_SOCKET_PATH = 100
NOBODYS_FOLDER = Path("/var/lib/woaas")
_SOCKET_NAME = "/.s.PGSQL.5432"


@dataclass(frozen=True)
class Place:
    """The folders of one server and the identity (see :mod:`woaas_infra.launch`) that may use them."""

    data: Path
    socket: Path
    identity: str


def settle(home: Path, binaries: Binaries) -> Place:
    """Choose and make the folders of a home's server; existing folders above them are never changed.

    Ordinarily everything is in ``home/postgres``. Root leaves its privileges in a user namespace, which keeps that
    place; where the kernel refuses one, the server runs as ``nobody`` in a folder outside the home, which
    ``home/postgres`` then links to.

    Raises:
        NotTraversable: ``nobody`` cannot reach the binaries or the data.
        CannotStart: the files belong to an identity that cannot be taken now, or the socket has no safe folder.
    """
    inside = home / "postgres"
    if os.geteuid() != 0:
        identity = launch.SAME
    elif inside.is_symlink() or not _namespace_works():
        identity = launch.NOBODY
    else:
        identity = launch.NAMESPACE
    base = _nobodys_folder(home, inside, binaries) if identity == launch.NOBODY else inside
    _private_folder(base, identity)
    return Place(data=base / "data", socket=_socket_folder(base / "socket", home, identity), identity=identity)


def _namespace_works() -> bool:
    command = launch.launched([os.devnull], death_signal=signal.SIGKILL, identity=launch.NAMESPACE)
    # Executing the null device fails, but only after the namespace was entered.
    return subprocess.run(command, capture_output=True, check=False).returncode != launch.REFUSED  # noqa: S603


def _nobodys_folder(home: Path, link: Path, binaries: Binaries) -> Path:
    if link.is_dir() and not link.is_symlink():
        msg = f"{link} was made by root in a user namespace, which the kernel now refuses; allow it or move the data"
        raise CannotStart(msg)
    name = f"woaas-{_digest(home)}"
    parent = NOBODYS_FOLDER
    if not link.is_symlink():
        try:
            parent.mkdir(mode=0o711, exist_ok=True)
        except OSError:
            parent = Path("/var/tmp")  # noqa: S108 - the folder below is private and checked
    base = link.readlink() if link.is_symlink() else parent / name
    for wanted in (base.parent, binaries.folder):
        _require_way(wanted)
    if not link.is_symlink():
        link.symlink_to(base)
    return base


def _require_way(wanted: Path) -> None:
    for folder in reversed([wanted.resolve(), *wanted.resolve().parents]):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise NotTraversable(folder, "nobody", wanted)


def _socket_folder(preferred: Path, home: Path, identity: str) -> Path:
    candidates = [preferred]
    if identity != launch.NOBODY and (runtime := os.environ.get("XDG_RUNTIME_DIR")) and Path(runtime).is_dir():
        candidates.append(Path(runtime) / f"woaas-{_digest(home)}")
    candidates.append(Path("/tmp") / f"woaas-{_digest(home)}")  # noqa: S108 - made 0700 and checked
    for folder in candidates:
        # A comma or a quote would split the path in Postgres' list of folders and in the client's list of hosts.
        if len(os.fsencode(f"{folder}{_SOCKET_NAME}")) <= LONGEST_SOCKET_PATH and not set(str(folder)) & set(",\"'"):
            _private_folder(folder, identity)
            return folder
    msg = f"no folder with a path short enough for a unix socket; tried {', '.join(map(str, candidates))}"
    raise CannotStart(msg)


def _private_folder(folder: Path, identity: str) -> None:
    owner = pwd.getpwnam("nobody") if identity == launch.NOBODY else None
    try:
        folder.mkdir(mode=0o700)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
    except FileExistsError:
        found = folder.lstat()
        wanted = owner.pw_uid if owner is not None else os.geteuid()
        # In a shared folder somebody else may have put a link or a folder of theirs under our name.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != wanted or found.st_mode & 0o077:
            msg = f"{folder} exists but is not a private folder of uid {wanted}; remove it and start again"
            raise CannotStart(msg) from None


def _digest(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
