"""Requests to the authorization server: each parameter once, credentials of one application in one place. Pure."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

_LONGEST = 4096


class Sent(OAuth2Request):
    """A request as Authlib reads it; each parameter was given once."""

    def __init__(self, method: str, parameters: Mapping[str, str], authorization: str | None = None) -> None:
        # Whether TLS ends here or before is the operator's affair; Authlib would ask the environment.
        super().__init__(method, "https://localhost", headers={"Authorization": authorization} if authorization else {})
        self.payload = BasicOAuth2Payload(dict(parameters))

    @property
    def form(self) -> Mapping[str, str]:
        return self.payload.data  # type: ignore[no-any-return]  # what __init__ gave it


def parameters_of(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters of a request; one without a value is as if it were left out (RFC 6749 §3.1).

    Raises:
        OAuth2Error: one is given twice, is too long, or holds what no parameter may.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequestError("A parameter is given twice.")
        if len(value) > _LONGEST or any(c < " " or c == "\x7f" for c in value):
            raise InvalidRequestError("A parameter is too long or has control characters.")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def client_id_of(sent: Sent) -> str | None:
    """Which application a request says it is.

    Raises:
        OAuth2Error: its credentials cannot be read, or it gives two kinds of them (RFC 6749 §2.3).
    """
    named = sent.form.get("client_id")
    scheme, _, encoded = sent.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return named
    try:
        raw = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequestError("The credentials cannot be read.") from None
    found = unquote(raw.partition(":")[0])
    if "client_secret" in sent.form or (named is not None and named != found):
        raise InvalidRequestError("Give the credentials of one client, in one place.")
    return found
