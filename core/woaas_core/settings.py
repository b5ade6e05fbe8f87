"""Everything that can be configured, read once from ``WOAAS_*`` variables."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec

from woaas_core import private_files
from woaas_core.outbound.addresses import Outbound

# The own broker is for one machine, and listens nowhere else.
MQTT_HOST = "127.0.0.1"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of a process; every value has a zero-config fallback.

    ``database_url`` empty means: the embedded Postgres under ``home``. ``secret_key`` peppers API keys and
    signs cursors and sessions; it is made on first use and kept in ``home/secret.key``. ``solver_runs_at_once`` bounds
    the cluster at ``ray_address``. ``outbound_networks`` (10.20.0.0/16,127.0.0.1/32) are called although they are not
    public, where a tenant names an address in them.
    """

    home: Path
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8000
    database_url: str = ""
    # The same database behind a pooler in transaction mode; what needs a session goes to database_url.
    pooler_url: str = ""
    secret_key: bytes
    base_url: str = ""
    audit_origin: str = "woaas.local/audit"
    ray_address: str = ""
    solver_runs_at_once: Annotated[int, msgspec.Meta(ge=1)] = 16
    rate_limit_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 60_000
    tenant_rate_limit_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 240_000
    auth_failures_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 60
    # A C2SP tlog-policy file whose witnesses are asked to cosign checkpoints.
    witness_policy: Path | None = None
    witness_every_s: Annotated[float, msgspec.Meta(ge=0.1)] = 10.0
    log_level: str = "info"
    pool_size: Annotated[int, msgspec.Meta(ge=1)] = 10
    # A mail host, smtp://user:password@host:587 or smtps://…; empty prints mail to standard error.
    smtp_url: str = ""
    mail_from: str = "WOaaS <no-reply@localhost>"
    # How long a request waits for the planner before it answers 202.
    inquiry_wait_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    outbound_networks: str = ""
    # Where the own broker listens on 127.0.0.1; 0 is none, but `up` then takes 1883 or a free port.
    mqtt_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0

    # Of one attached file, and of all that a tenant keeps.
    attachment_max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 50 << 20
    attachment_tenant_bytes: Annotated[int, msgspec.Meta(ge=0)] = 10 << 30

    # How long an owner can take the deletion of his tenant back.
    deletion_grace_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30

    def __post_init__(self) -> None:
        Outbound.parse(self.outbound_networks)

    @property
    def url(self) -> str:
        """Where this instance is reached, without a trailing slash."""
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def outbound(self) -> Outbound:
        """What may be called besides public addresses."""
        return Outbound.parse(self.outbound_networks)

    @property
    def signing_key_path(self) -> Path:
        """The Ed25519 key that signs checkpoints: outside the database on purpose."""
        return self.home / "audit-signing.key"

    @property
    def token_keys_path(self) -> Path:
        """The ES256 keys that sign access and ID tokens; the processes that serve the API share the file."""
        return self.home / "token-signing.keys"

    @property
    def signed_journal_path(self) -> Path:
        """The checkpoints signed last: beside the key, where a restored database does not reach."""
        return self.home / "audit-signed.jsonl"

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read the environment; keyword overrides (from the command line) win over it.

        Raises:
            ValueError: a variable does not fit its type.
        """
        env = os.environ if environ is None else environ
        given: dict[str, object] = {
            name: env[f"WOAAS_{name.upper()}"] for name in cls.__struct_fields__ if env.get(f"WOAAS_{name.upper()}")
        }
        given.update({k: v for k, v in overrides.items() if v is not None})
        home = Path(str(given.pop("home", ".woaas"))).expanduser().absolute()
        secret = given.pop("secret_key", None)
        policy = given.pop("witness_policy", None)
        key = str(secret).encode() if secret else kept_secret(home / "secret.key")
        try:
            rest = msgspec.convert(given, type=dict[str, str | int | float], strict=False)
            own = {"home": home, "secret_key": key, "witness_policy": Path(str(policy)) if policy else None}
            return msgspec.convert({**rest, **own}, type=cls, strict=False)
        except msgspec.ValidationError as error:
            msg = f"configuration: {error}"
            raise ValueError(msg) from None


def kept_secret(path: Path) -> bytes:
    """A secret of this home: 64 hexadecimal digits, made on first use and readable by the owner alone."""
    if path.exists():
        return path.read_bytes()
    # Of two that start at once the first wins.
    with suppress(FileExistsError):
        private_files.create(path, secrets.token_hex(32))
    return path.read_bytes()
