"""Validators of what a caller sees: ETags, and If-Match against them."""

import hashlib
from collections.abc import Callable

import msgspec

from woaas_core.errors import StaleETag

encode = msgspec.json.Encoder().encode


def etag_of(body: bytes) -> str:
    """A strong validator of exactly these bytes: two callers with other masks have other tags."""
    return f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def is_known(sent: str | None, tag: str) -> bool:
    """Whether an If-None-Match names this tag; compared weakly, as a cache that packs answers may have weakened it."""
    if not sent:
        return False
    return sent.strip() == "*" or tag in (t.strip().removeprefix("W/") for t in sent.split(","))


def require_match(wanted: str | None, shown: Callable[[], object] | None) -> None:
    """Honour If-Match: the caller's view of the object must be the one he decided on; None is no object.

    Raises:
        StaleETag: it has changed.
    """
    if not wanted or (wanted.strip() == "*" and shown is not None):
        return
    if shown is None or etag_of(encode(shown())) not in wanted:
        raise StaleETag
