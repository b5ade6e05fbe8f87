"""Where the command line finds the service: options of the environment first, then what `login` stored."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from woaas import AsyncClient, Client


def config_file() -> Path:
    """The file `login` writes: `WOAAS_CONFIG`, or the user's configuration folder."""
    if chosen := os.environ.get("WOAAS_CONFIG"):
        return Path(chosen)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "woaas" / "config.json"


def store(base_url: str, api_key: str) -> Path:
    """Keep address and key, readable by the user alone from the first byte on."""
    file = config_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump({"base_url": base_url, "api_key": api_key}, out, indent=2)
    partial.replace(file)
    return file


def connection() -> tuple[str | None, str | None]:
    """API key and address for a client; None where the client is to use its default."""
    stored: dict[str, object] = {}
    try:
        stored = json.loads(config_file().read_text())
    except FileNotFoundError:
        pass
    except ValueError as error:
        raise ValueError(f"{config_file()} is not what `woaas login` writes: {error}") from error
    return (
        os.environ.get("WOAAS_API_KEY") or _text(stored.get("api_key")),
        os.environ.get("WOAAS_BASE_URL") or _text(stored.get("base_url")),
    )


def client() -> Client:
    """A client that reads what it just wrote."""
    from woaas import Client

    return Client(*connection(), read_your_writes=True)


def async_client() -> AsyncClient:
    """The same for asyncio."""
    from woaas import AsyncClient

    return AsyncClient(*connection())


def _text(value: object) -> str | None:
    return str(value) if value else None
