"""Access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2): what is in them, and which are believed."""

import base64
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError

from woaas_core.clock import Clock
from woaas_core.ids import encode_id, try_decode_id
from woaas_security.oauth.signing import ALGORITHM, KeyRing

ACCESS_TYPE = "at+jwt"
USER_LIFE = timedelta(seconds=600)
MACHINE_LIFE = timedelta(seconds=900)
ID_LIFE = timedelta(seconds=600)
_SKEW_S = 30
_LONGEST = 4096
_KEPT = 10_000
_KEPT_FOR_S = 60


class Issued(NamedTuple):
    """A signed access token with the id it is stored under."""

    id: UUID
    text: str
    expires_at: datetime


class Identified(NamedTuple):
    """What a token that is believed says; whether it is still in force is the database's to say."""

    tenant_id: UUID
    token_id: UUID
    expires_at: int


@dataclass(frozen=True)
class Subject:
    """Whom a token is for: a person, or the application itself."""

    tenant_id: UUID
    client_id: UUID
    user_id: UUID | None
    scopes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The claim `sub`."""
        return encode_id("oac", self.client_id) if self.user_id is None else encode_id("usr", self.user_id)

    @property
    def life(self) -> timedelta:
        """How long its access tokens are good for."""
        return MACHINE_LIFE if self.user_id is None else USER_LIFE


class Tokens:
    """Signs and verifies the tokens of one issuer, which is also the API they are for."""

    def __init__(self, issuer: str, keys: KeyRing, clock: Clock) -> None:
        self.issuer = issuer
        self.keys = keys
        self.clock = clock
        self._believed: OrderedDict[bytes, tuple[int, Identified]] = OrderedDict()

    def access_token(self, token_id: UUID, subject: Subject) -> Issued:
        """A signed access token."""
        now = int(self.clock.now().timestamp())
        expires_at = now + int(subject.life.total_seconds())
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": subject.text,
            "client_id": encode_id("oac", subject.client_id),
            "tenant": encode_id("ten", subject.tenant_id),
            "scope": " ".join(subject.scopes),
            "jti": encode_id("oat", token_id),
            "iat": now,
            "exp": expires_at,
        }
        text = self._sign(ACCESS_TYPE, claims)
        return Issued(token_id, text, datetime.fromtimestamp(expires_at, self.clock.now().tzinfo))

    def id_token(
        self,
        subject: Subject,
        access_token: str,
        *,
        person: Mapping[str, str],
        authenticated_at: datetime,
        nonce: str | None,
    ) -> str:
        """A signed ID token; ``person`` is what its scopes tell of the user."""
        now = int(self.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": encode_id("oac", subject.client_id),
            "sub": subject.text,
            "iat": now,
            "exp": now + int(ID_LIFE.total_seconds()),
            "auth_time": int(authenticated_at.timestamp()),
            "at_hash": half_hash(access_token),
            **person,
        }
        return self._sign("JWT", {**claims, "nonce": nonce} if nonce else claims)

    def identify(self, text: str) -> Identified | None:
        """Read an access token of ours; None where anything about it is not as we make them.

        What was verified is remembered for a minute at most, since a signature costs more than the rest of a request.
        """
        mark, now = hashlib.sha256(text.encode("utf-8", "replace")).digest(), int(self.clock.now().timestamp())
        kept = self._believed.get(mark)
        if kept is not None and now < kept[0]:
            return kept[1]
        found = self._verify(text, now)
        if found is not None:
            self._believed[mark] = (min(found.expires_at, now + _KEPT_FOR_S), found)
            if len(self._believed) > _KEPT:
                self._believed.popitem(last=False)
        return found

    def _sign(self, kind: str, claims: dict[str, Any]) -> str:
        kid, key = self.keys.current
        return jwt.encode({"alg": ALGORITHM, "typ": kind, "kid": kid}, claims, key, algorithms=[ALGORITHM])

    def _verify(self, text: str, now: int) -> Identified | None:
        parts = text.split(".")
        if len(parts) != 3 or len(text) > _LONGEST or not text.isascii():
            return None
        header = _read_once(parts[0])
        # Ours have these members and no others: no key, no address of one, no extension is ever looked at.
        if header is None or header.keys() != {"alg", "typ", "kid"}:
            return None
        if header["alg"] != ALGORITHM or header["typ"] != ACCESS_TYPE or not isinstance(header["kid"], str):
            return None
        key = self.keys.find(header["kid"])
        claims = _read_once(parts[1])
        if key is None or claims is None:
            return None
        try:
            jws.deserialize_compact(text, key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return None
        return self._believe(claims, now)

    def _believe(self, claims: dict[str, Any], now: int) -> Identified | None:
        times = [claims.get(name) for name in ("iat", "exp")]
        if claims.get("iss") != self.issuer or claims.get("aud") != self.issuer or not all(_is_time(t) for t in times):
            return None
        issued, expires = int(times[0]), int(times[1])  # type: ignore[arg-type]  # both are numbers by now
        starts = claims.get("nbf", issued)
        if not _is_time(starts) or expires <= now or max(issued, starts) > now + _SKEW_S:
            return None
        tenant = try_decode_id("ten", str(claims.get("tenant")))
        token = try_decode_id("oat", str(claims.get("jti")))
        return None if tenant is None or token is None else Identified(tenant, token, expires)


def half_hash(text: str) -> str:
    """The left half of a hash, as `at_hash` has it (OpenID Connect Core §3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).decode().rstrip("=")


class _Repeated(ValueError):
    """A JSON object names a member twice."""


def _read_once(part: str) -> dict[str, Any] | None:
    """A base64url part as a JSON object, each member of which is named once."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise _Repeated
        return dict(pairs)

    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 40
