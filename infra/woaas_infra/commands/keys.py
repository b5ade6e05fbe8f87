"""``woaas-server keys``: the keys that sign the audit log's checkpoints."""

import sys
from collections.abc import Callable
from pathlib import Path

from woaas_infra.commands.settings import load_settings
from woaas_infra.errors import CannotStart
from woaas_security.audit.keys import KeyRing, UnsafeKeyFile, load_key_file, retire_old_keys, rotate_key_file
from woaas_security.audit.note import MalformedNote


def show(*, home: Path | None = None) -> None:
    """Print the public keys, those that sign first.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    """
    _print(_on_file(home, load_key_file))


def rotate(*, home: Path | None = None) -> None:
    """Add a new signing key; it and the old one both sign until ``keys retire``. The sequencer takes it up by itself.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    """
    _print(_on_file(home, rotate_key_file))


def retire(*, home: Path | None = None) -> None:
    """End the overlap: only the newest key signs. Give auditors time to pin it first.

    Parameters
    ----------
    home
        Default: WOAAS_HOME, else .woaas
    """
    _print(_on_file(home, retire_old_keys))


def _on_file(home: Path | None, act: Callable[[Path], KeyRing]) -> KeyRing:
    path = load_settings(home).signing_key_path
    try:
        return act(path)
    except FileNotFoundError as error:
        msg = f"{path} does not exist; the first start of the sequencer makes it"
        raise CannotStart(msg) from error
    except (UnsafeKeyFile, MalformedNote) as error:
        raise CannotStart(str(error)) from error


def _print(ring: KeyRing) -> None:
    for key in ring.signing:
        sys.stdout.write(f"signs    {key.verifier}\n")
    for retired in ring.retired:
        sys.stdout.write(f"retired  {retired}\n")
