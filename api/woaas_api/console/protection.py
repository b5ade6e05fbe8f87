"""What shields the pages: form tokens, signed notices and the headers of every answer."""

import base64
import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request

from woaas_core.errors import DomainError

TOKEN_FIELD = "form_token"  # noqa: S105 - a field's name
_SALT = 9

CONTENT_POLICY = "Content-Security-Policy"
FORM_ACTION = "form-action 'self'"
HEADERS = {
    CONTENT_POLICY: (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"object-src 'none'; base-uri 'none'; {FORM_ACTION}; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECURE_HEADERS = {**HEADERS, "Strict-Transport-Security": "max-age=31536000"}


class FormRefused(DomainError):
    """A form that this page did not hand out, or that is older than its session."""

    code = "form_refused"
    title = "This form is no longer valid"
    status = 403
    hint = "Open the page again and repeat what you did."


class Seals:
    """Texts that only this server can have written."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = hmac.digest(secret_key, b"console", "sha256")

    def token(self, session: str) -> str:
        """A form token bound to a session; salted, so that no two pages carry the same bytes."""
        salt = secrets.token_bytes(_SALT)
        return _text(salt + self._tag(b"form:" + salt + session.encode()))

    def check(self, token: str, session: str) -> None:
        """Let only forms pass that were handed out in this session.

        Raises:
            FormRefused: any other.
        """
        raw = _bytes(token)
        if not hmac.compare_digest(raw[_SALT:], self._tag(b"form:" + raw[:_SALT] + session.encode())):
            raise FormRefused

    def seal(self, value: object) -> str:
        """A value as signed text, for a cookie."""
        body = msgspec.json.encode(value)
        return _text(self._tag(b"notice:" + body) + body)

    def open(self, text: str) -> Any:
        """A sealed value, or None where it is not ours."""
        raw = _bytes(text)
        tag, body = raw[:32], raw[32:]
        if not hmac.compare_digest(tag, self._tag(b"notice:" + body)):
            return None
        return msgspec.json.decode(body)

    def _tag(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def check_origin(request: Request[Any, Any, Any]) -> None:
    """Refuse a POST that the browser itself says comes from another site; the token is the second lock.

    Raises:
        FormRefused: it does.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormRefused
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise FormRefused


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii", "replace") + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
