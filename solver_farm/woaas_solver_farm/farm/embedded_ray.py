"""A Ray of our own on this machine, or a connection to an existing cluster.

Nothing of it is reachable from outside: every listener is on loopback, requests carry a token that only this home
knows, and no usage statistics leave. If this process is killed, the kernel ends the head and the workers with it and
Ray's two idle agents follow within about a minute (at once under ``up``, which ends the whole process group);
``ray stop``, which would end every Ray of the machine, is never used.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from woaas_core.settings import Settings, kept_secret
from woaas_core.telemetry import logger

log = logger(__name__)

# The least that Ray accepts: problems and plans go through it, a few megabytes each.
_STORE_BYTES = 80 * 1024 * 1024
# A Unix socket's path has room for 107 characters, of which Ray's own part takes about 60.
_LONGEST_TEMP = 40


def connect(settings: Settings) -> Any:
    """Start Ray or join ``WOAAS_RAY_ADDRESS``; returns the module. Takes seconds, so call it in a thread."""
    _prepare_environment(settings)
    import ray  # noqa: PLC0415 - the environment must be set before, and only the solver process pays for it

    if ray.is_initialized():
        return ray
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": False}
    if settings.ray_address:
        ray.init(address=settings.ray_address, namespace="woaas", **quiet)
        return ray
    ray.init(
        address="local",
        num_cpus=0,
        num_gpus=0,
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        _temp_dir=str(_temp_dir(settings.home)),
        **quiet,
    )
    return ray


def disconnect(settings: Settings) -> None:
    """End the embedded Ray, or leave the cluster; its session folder goes too."""
    import ray  # noqa: PLC0415

    ray.shutdown()
    if not settings.ray_address:
        shutil.rmtree(_temp_dir(settings.home), ignore_errors=True)


def _prepare_environment(settings: Settings) -> None:
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
