"""Keyset pages: opaque cursors that only fit the query and the principal they were made for."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from woaas_core.errors import InvalidCursor

_TAG_BYTES = 12


class CursorCodec:
    """Seals the sort values of the last row; any other query, principal or server key refuses it."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = hashlib.blake2b(b"cursor", key=secret_key[:64], digest_size=32).digest()

    def seal(self, values: Sequence[object], *, bound_to: str) -> str:
        """The text of ``next_cursor``; ``bound_to`` is the query's fingerprint with its principal."""
        body = msgspec.json.encode(list(values))
        return base64.urlsafe_b64encode(self._tag(body, bound_to) + body).rstrip(b"=").decode()

    def open(self, cursor: str, *, bound_to: str) -> list[str | int | bool | None]:
        """The sealed values.

        Raises:
            InvalidCursor: altered, foreign, or made for another query.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body, bound_to)):
            raise InvalidCursor
        return msgspec.json.decode(body, type=list[str | int | bool | None])

    def _tag(self, body: bytes, bound_to: str) -> bytes:
        return hmac.digest(self._key, bound_to.encode() + b"\0" + body, "sha256")[:_TAG_BYTES]
