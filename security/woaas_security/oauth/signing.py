"""The keys that sign tokens: one comes next, one is current, those before still verify.

They lie in one file, mode 0600, as the log's signing keys do; each line is a private JWK with when it was made and
retired, the next one first. Every process looks at the file before it uses a key, so that a rotation reaches all of
them with their next request: what any of them signs, each of them verifies.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from joserfc.jwk import ECKey

from woaas_core import private_files
from woaas_core.clock import Clock

ALGORITHM = "ES256"
PUBLISHED_BEFORE_USE = timedelta(hours=24)
"""How long others have had to fetch a key before anything is signed with it."""
KEPT_AFTER_USE = timedelta(hours=24)
"""Longer than any token lives."""


class TooEarly(Exception):
    """The next key has not been published long enough for everybody to know it."""


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file."""

    kid: str
    jwk: dict[str, str]
    made_at: datetime
    retired_at: datetime | None = None

    @classmethod
    def generate(cls, at: datetime) -> "StoredKey":
        """A fresh key, known by the thumbprint of its public half (RFC 7638)."""
        key = ECKey.generate_key("P-256")
        jwk = {name: str(value) for name, value in key.as_dict(private=True).items() if name in _MEMBERS}
        return cls(kid=key.thumbprint(), jwk=jwk, made_at=at)


_MEMBERS = frozenset({"kty", "crv", "x", "y", "d"})


class Keys(NamedTuple):
    """The keys of one state of the file."""

    next: StoredKey
    current: StoredKey
    previous: tuple[StoredKey, ...]

    @property
    def all(self) -> tuple[StoredKey, ...]:
        """Every key, the next one first."""
        return (self.next, self.current, *self.previous)

    def text(self) -> str:
        """The file's text."""
        return "".join(f"{msgspec.json.encode(key).decode()}\n" for key in self.all)

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """Read the file's text.

        Raises:
            ValueError: a line is not a key, or there are fewer than two.
        """
        keys = tuple(msgspec.json.decode(line, type=StoredKey) for line in text.splitlines() if line)
        if len(keys) < 2:
            msg = "the file of token keys needs a next and a current one"
            raise ValueError(msg)
        return cls(keys[0], keys[1], keys[2:])


class _Loaded:
    """Keys as joserfc uses them."""

    def __init__(self, keys: Keys, stamp: tuple[int, int]) -> None:
        self.stamp = stamp
        self.current = keys.current.kid
        self.by_kid: Mapping[str, ECKey] = {k.kid: ECKey.import_key({**k.jwk}) for k in keys.all}

    @cached_property
    def published(self) -> dict[str, Any]:
        """The public halves as a JWK set."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
                for kid, key in self.by_kid.items()
            ]
        }


class KeyRing:
    """The token keys as they are in the file now."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._loaded: _Loaded | None = None

    @property
    def current(self) -> tuple[str, ECKey]:
        """The key to sign with and its id."""
        loaded = self._load()
        return loaded.current, loaded.by_kid[loaded.current]

    @property
    def published(self) -> dict[str, Any]:
        """What ``jwks.json`` shows."""
        return self._load().published

    def find(self, kid: str) -> ECKey | None:
        """The key of an id, if it still verifies."""
        return self._load().by_kid.get(kid)

    def _load(self) -> _Loaded:
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            load_or_generate(self._path, self._clock)
            found = self._path.stat()
        stamp = (found.st_ino, found.st_mtime_ns)
        if self._loaded is None or self._loaded.stamp != stamp:
            self._loaded = _Loaded(Keys.parse(private_files.read(self._path)), stamp)
        return self._loaded


def load_or_generate(path: Path, clock: Clock) -> Keys:
    """The keys of the file, which is made on first use; two that start at once agree on its keys."""
    now = clock.now()
    fresh = Keys(StoredKey.generate(now), StoredKey.generate(now), ())
    with suppress(FileExistsError):
        private_files.create(path, fresh.text())
    return Keys.parse(private_files.read(path))


def rotate(path: Path, clock: Clock, *, at_once: bool = False) -> Keys:
    """Sign with the next key from now on, and publish a new next one; what was signed before still verifies.

    Raises:
        TooEarly: the next key is not a day old; ``at_once`` is for a key that has leaked.
    """
    keys, now = load_or_generate(path, clock), clock.now()
    if not at_once and now - keys.next.made_at < PUBLISHED_BEFORE_USE:
        msg = f"the next key is published only since {keys.next.made_at.isoformat()}; wait until it is a day old"
        raise TooEarly(msg)
    retired = msgspec.structs.replace(keys.current, retired_at=now)
    kept = [key for key in keys.previous if key.retired_at and now - key.retired_at < KEPT_AFTER_USE]
    rotated = Keys(StoredKey.generate(now), keys.next, (retired, *kept))
    private_files.replace(path, rotated.text())
    return rotated
