"""``credentials.json``: the demo's keys and passwords, readable by the owner of the home alone."""

import os
from pathlib import Path

import msgspec


class User(msgspec.Struct):
    """A person who can sign in to the console."""

    email: str
    password: str
    role: str


class TenantCredentials(msgspec.Struct):
    """The keys of an organisation: live owner, sandbox owner, one per role."""

    tenant_id: str
    api_key: str
    test_api_key: str
    role_keys: dict[str, str]
    users: list[User]


class Credentials(msgspec.Struct):
    """The whole file."""

    base_url: str
    tenants: dict[str, TenantCredentials]


def read(path: Path) -> Credentials | None:
    """What is there; None before the first seeding."""
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=Credentials)


def write(path: Path, credentials: Credentials) -> None:
    """Replace the file in one step, mode 0600 from its first byte."""
    draft = path.with_suffix(".tmp")
    fd = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=2) + b"\n")
        file.flush()
        os.fsync(fd)
    draft.replace(path)
