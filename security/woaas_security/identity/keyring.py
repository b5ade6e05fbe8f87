"""What the installation's secret key does for accounts: digests that only it can make, and values only it can read."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Keyring:
    """Keys derived from the secret key, each for one purpose."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key
        self._sealing = AESGCM(hashlib.blake2b(b"accounts", key=secret_key[:64], digest_size=32).digest())

    def digest(self, purpose: str, text: str) -> bytes:
        """What is kept of a secret in place of it; the same text has another digest for each purpose."""
        return hmac.digest(self._secret_key, f"{purpose}:{text}".encode(), "sha256")

    def seal(self, value: bytes, bound_to: str) -> bytes:
        """A value encrypted (AES-256-GCM) for one place: moved elsewhere it cannot be opened."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, value, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes | None:
        """A sealed value; None where it was altered, moved or sealed under another key."""
        try:
            return self._sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, ValueError):
            return None
