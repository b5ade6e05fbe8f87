"""A Ray of our own on this machine, or a connection to an existing cluster.

Nothing of it is reachable from outside: every listener is on loopback, requests carry a token that only this home
knows, and no usage statistics leave. It is the least that solves: no dashboard, no autoscaler, no log monitor and no
workers ahead of time. If this process is killed, the kernel ends the head and the workers with it and Ray's two idle
agents follow within about a minute (at once under ``up``, which ends the whole process group); ``ray stop``, which
would end every Ray of the machine, is never used.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from woaas_core.settings import Settings, kept_secret
from woaas_core.telemetry import logger

log = logger(__name__)

# The least that Ray accepts: problems and plans go through it, a few megabytes each.
_STORE_BYTES = 80 * 1024 * 1024
# A Unix socket's path has room for 107 characters, of which Ray's own part takes about 60.
_LONGEST_TEMP = 40


@dataclass(frozen=True)
class Connection:
    """Ray's module, connected, and what of Ray is ours to end."""

    ray: Any
    head: Any = None
    folder: Path | None = None

    def close(self) -> None:
        """End the embedded Ray, or leave the cluster; its session folder goes too."""
        self.ray.shutdown()
        if self.head is not None:
            self.head.kill_all_processes(check_alive=False, allow_graceful=True)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def connect(settings: Settings) -> Connection:
    """Start Ray or join ``WOAAS_RAY_ADDRESS``. Takes seconds, so call it in a thread."""
    prepare_environment(settings)
    import ray  # noqa: PLC0415 - the environment must be set before, and only the solver process pays for it

    if settings.ray_address:
        _join(ray, settings.ray_address)
        return Connection(ray)
    folder = _temp_dir(settings.home)
    ours = Connection(ray, _start_head(folder), folder)
    try:
        _join(ray, ours.head.address)
    except BaseException:
        ours.close()
        raise
    return ours


def _join(ray: Any, address: str) -> None:
    ray.init(
        address=address,
        namespace="woaas",
        log_to_driver=False,
        logging_level="error",
        configure_logging=False,
    )


def _start_head(folder: Path) -> Any:
    """A head with what ``ray.init`` offers no switch for left out, started as ``ray.cluster_utils`` does."""
    from ray._private.node import Node  # noqa: PLC0415
    from ray._private.parameter import RayParams  # noqa: PLC0415

    class Head(Node):
        def start_api_server(self, **_: object) -> None:
            """Even without a dashboard it would be a process of 50 MB."""

    parameters = RayParams(
        node_ip_address="127.0.0.1",
        num_cpus=0,
        num_gpus=0,
        object_store_memory=_STORE_BYTES,
        temp_dir=str(folder),
        include_dashboard=False,
        include_log_monitor=False,  # type: ignore[arg-type]  # annotated as text, read as a truth value
        no_monitor=True,
    )
    return Head(parameters, head=True, shutdown_at_exit=False, spawn_reaper=True, ray_init_cluster=True)


def prepare_environment(settings: Settings) -> None:
    """What must be set before Ray is imported."""
    # Without this the head listens on every interface, whatever address it is given.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not os.environ.get("RAY_AUTH_TOKEN"):
        os.environ["RAY_AUTH_TOKEN"] = kept_secret(settings.home / "ray.token").decode()


def _temp_dir(home: Path) -> Path:
    """This process's session folder, private; those that killed processes left behind are removed."""
    base = home / "ray"
    if len(str(base)) + 8 > _LONGEST_TEMP:
        base = Path(tempfile.gettempdir()) / f"woaas-{hashlib.blake2b(str(home).encode(), digest_size=4).hexdigest()}"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        msg = f"{base} belongs to somebody else"
        raise PermissionError(msg)
    for left in base.iterdir():
        if left.name.isdigit() and not Path(f"/proc/{left.name}").exists():
            shutil.rmtree(left, ignore_errors=True)
    own = base / str(os.getpid())
    own.mkdir(mode=0o700, exist_ok=True)
    return own
