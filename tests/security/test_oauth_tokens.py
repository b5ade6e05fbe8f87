"""Access tokens that are not ours, by every confusion of formats and keys; keys as they are rotated."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from fixtures.app import TickingClock
from joserfc import jws
from joserfc.jwk import ECKey

from woaas_core import private_files
from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.ids import uuid7
from woaas_security.oauth.signing import KeyRing, Keys, TooEarly, load_or_generate, rotate
from woaas_security.oauth.tokens import Subject, Tokens

ISSUER = "https://woaas.example"
Claims = dict[str, Any]


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    clock = SystemClock()
    return Tokens(ISSUER, KeyRing(tmp_path / "keys", clock), clock)


def issued(tokens: Tokens) -> str:
    return tokens.access_token(uuid7(), Subject(uuid7(), uuid7(), uuid7(), ("work_orders:read",))).text


def parts(text: str) -> tuple[Claims, Claims]:
    header, claims = (json.loads(base64.urlsafe_b64decode(p + "==")) for p in text.split(".")[:2])
    return header, claims


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: Claims, claims: Claims | bytes, key: ECKey) -> str:
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact(header, body, key, registry=registry)


def test_a_token_of_ours_is_believed(tokens: Tokens) -> None:
    text = issued(tokens)
    found = tokens.identify(text)
    assert found is not None
    assert tokens.identify(text) == found


OTHER = ECKey.generate_key("P-256")
Forge = Callable[[Tokens, Claims, Claims, ECKey], str]


def _public_pem(key: ECKey) -> bytes:
    return key.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def by_secret(header: Claims, claims: Claims, secret: bytes) -> str:
    body = f"{part({**header, 'alg': 'HS256'})}.{part(claims)}"
    return f"{body}.{part(hmac.digest(secret, body.encode(), 'sha256'))}"


def _twice(claims: Claims, name: str, value: object) -> bytes:
    return (json.dumps(claims)[:-1] + f', "{name}": {json.dumps(value)}}}').encode()


# Each signs with the real key where it is not the key that is at fault, so that nothing but the named fault is refused.
CONFUSIONS: dict[str, Forge] = {
    "alg none": lambda t, h, c, k: f"{part({**h, 'alg': 'none'})}.{part(c)}.",
    "alg None in another case": lambda t, h, c, k: f"{part({**h, 'alg': 'nOnE'})}.{part(c)}.",
    "no signature": lambda t, h, c, k: f"{part(h)}.{part(c)}.",
    "HS256 with the public key": lambda t, h, c, k: by_secret(h, c, _public_pem(k)),
    "HS256 with the public JWK": lambda t, h, c, k: by_secret(h, c, json.dumps(k.as_dict(private=False)).encode()),
    "another key of the same id": lambda t, h, c, k: signed(h, c, OTHER),
    "a key in the header": lambda t, h, c, k: signed({**h, "jwk": OTHER.as_dict(private=False)}, c, OTHER),
    "the real key in the header": lambda t, h, c, k: signed({**h, "jwk": k.as_dict(private=False)}, c, k),
    "an address of keys": lambda t, h, c, k: signed({**h, "jku": "https://evil.example/jwks"}, c, k),
    "a certificate's address": lambda t, h, c, k: signed({**h, "x5u": "https://evil.example/c"}, c, k),
    "a critical extension": lambda t, h, c, k: f"{part({**h, 'crit': ['exp'], 'exp': 1})}.{part(c)}.AAAA",
    "no kid": lambda t, h, c, k: signed({n: v for n, v in h.items() if n != "kid"}, c, k),
    "kid of a path": lambda t, h, c, k: signed({**h, "kid": "../../etc/passwd"}, c, k),
    "kid of SQL": lambda t, h, c, k: signed({**h, "kid": "' OR '1'='1"}, c, k),
    "kid that is no text": lambda t, h, c, k: f"{part({**h, 'kid': [h['kid']]})}.{part(c)}.AAAA",
    "kid twice": lambda t, h, c, k: f"{part(_twice(h, 'kid', h['kid']))}.{part(c)}.AAAA",
    "typ of an ID token": lambda t, h, c, k: signed({**h, "typ": "JWT"}, c, k),
    "no typ": lambda t, h, c, k: signed({n: v for n, v in h.items() if n != "typ"}, c, k),
    "another issuer": lambda t, h, c, k: signed(h, {**c, "iss": "https://evil.example"}, k),
    "no issuer": lambda t, h, c, k: signed(h, {n: v for n, v in c.items() if n != "iss"}, k),
    "another audience": lambda t, h, c, k: signed(h, {**c, "aud": c["client_id"]}, k),
    "a list of audiences": lambda t, h, c, k: signed(h, {**c, "aud": [ISSUER, "https://evil.example"]}, k),
    "expired": lambda t, h, c, k: signed(h, {**c, "exp": c["iat"] - 1}, k),
    "no expiry": lambda t, h, c, k: signed(h, {n: v for n, v in c.items() if n != "exp"}, k),
    "expiry as text": lambda t, h, c, k: signed(h, {**c, "exp": "9999999999"}, k),
    "expiry never": lambda t, h, c, k: signed(h, _twice({n: v for n, v in c.items() if n != "exp"}, "exp", 1e300), k),
    "expiry not a number": lambda t, h, c, k: signed(h, json.dumps({**c, "exp": float("nan")}).encode(), k),
    "expiry true": lambda t, h, c, k: signed(h, {**c, "exp": True}, k),
    "not yet": lambda t, h, c, k: signed(h, {**c, "nbf": c["iat"] + 120}, k),
    "issued in the future": lambda t, h, c, k: signed(h, {**c, "iat": c["iat"] + 120}, k),
    "a claim twice": lambda t, h, c, k: signed(h, _twice(c, "tenant", c["tenant"]), k),
    "no tenant": lambda t, h, c, k: signed(h, {n: v for n, v in c.items() if n != "tenant"}, k),
    "no jti": lambda t, h, c, k: signed(h, {n: v for n, v in c.items() if n != "jti"}, k),
    "a jti that is no id": lambda t, h, c, k: signed(h, {**c, "jti": {"a": 1}}, k),
    "claims that are a list": lambda t, h, c, k: signed(h, b"[]", k),
    "claims that are no JSON": lambda t, h, c, k: signed(h, b"{", k),
    "claims nested without end": lambda t, h, c, k: signed(h, b"[" * 1500 + b"]" * 1500, k),
    "four parts": lambda t, h, c, k: signed(h, c, k) + ".x",
    "five parts, as if encrypted": lambda t, h, c, k: "a.b.c.d.e",
    "too long": lambda t, h, c, k: signed(h, {**c, "x": "x" * 4000}, k),
    "not ASCII": lambda t, h, c, k: "é" + signed(h, c, k),
    "a space within": lambda t, h, c, k: signed(h, c, k).replace(".", ". ", 1),
}


@pytest.mark.parametrize("name", CONFUSIONS)
def test_what_is_not_as_we_make_it_is_not_believed(tokens: Tokens, name: str) -> None:
    text = issued(tokens)
    header, claims = parts(text)
    forged = CONFUSIONS[name](tokens, header, claims, tokens.keys.current[1])
    assert forged != text
    assert tokens.identify(forged) is None
    # What was refused leaves what is good as it was, and what is good does not lend it its belief.
    assert tokens.identify(text) is not None
    assert tokens.identify(forged) is None


def test_the_forger_above_can_make_tokens_that_are_believed(tokens: Tokens) -> None:
    """Else the refusals would tell of the forger and not of the faults."""
    header, claims = parts(issued(tokens))
    assert tokens.identify(signed(header, claims, tokens.keys.current[1])) is not None


def test_any_change_of_a_character_is_seen(tokens: Tokens) -> None:
    text = issued(tokens)
    for place in range(0, len(text), 17):
        other = "A" if text[place] != "A" else "B"
        changed = text[:place] + other + text[place + 1 :]
        # The last bits of the last character of a part mean nothing; none of these places is one.
        assert tokens.identify(changed) is None, place


def test_an_id_token_opens_nothing(tokens: Tokens) -> None:
    subject = Subject(uuid7(), uuid7(), uuid7(), ("openid",))
    now = tokens.clock.now()
    text = tokens.id_token(subject, "x", person={}, authenticated_at=now, nonce=None)
    assert tokens.identify(text) is None


def test_belief_ends_with_the_token(tmp_path: Path) -> None:
    clock = FrozenClock(SystemClock().now())
    tokens = Tokens(ISSUER, KeyRing(tmp_path / "keys", clock), clock)
    text = issued(tokens)
    for passed, is_good in ((599, True), (1, False)):
        clock.advance(timedelta(seconds=passed))
        assert (tokens.identify(text) is not None) is is_good


class TestRotation:
    def test_what_was_signed_before_verifies_after_and_in_every_process(self, tmp_path: Path) -> None:
        path, clock = tmp_path / "keys", SystemClock()
        one, two = (Tokens(ISSUER, KeyRing(path, clock), clock) for _ in range(2))
        known = {key["kid"] for key in one.keys.published["keys"]}
        for _ in range(4):
            before = [issued(one), issued(two)]
            rotated = rotate(path, clock, at_once=True)
            after = [issued(two), issued(one)]
            # No process has to be told, and who knew the published keys knew the one now in use.
            assert all(t.identify(text) for t in (one, two) for text in before + after)
            assert parts(after[0])[0]["kid"] == rotated.current.kid
            assert rotated.current.kid in known
            known = {key["kid"] for key in two.keys.published["keys"]}

    def test_a_key_is_published_a_day_before_it_signs(self, tmp_path: Path) -> None:
        clock = FrozenClock(SystemClock().now())
        path = tmp_path / "keys"
        first = load_or_generate(path, clock)
        with pytest.raises(TooEarly):
            rotate(path, clock)
        clock.advance(timedelta(hours=24))
        assert rotate(path, clock).current == first.next
        clock.advance(timedelta(hours=24))
        third = rotate(path, clock)
        assert [key.kid for key in third.previous] == [first.next.kid]

    def test_the_file_is_private_and_one_that_is_not_is_not_used(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        load_or_generate(path, TickingClock())
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o640)
        with pytest.raises(private_files.UnsafeFile):
            _ = KeyRing(path, TickingClock()).current

    def test_two_that_start_at_once_agree(self, tmp_path: Path) -> None:
        clock = SystemClock()
        made = [load_or_generate(tmp_path / "keys", clock) for _ in range(2)]
        assert made[0] == made[1]
        assert Keys.parse(made[0].text()) == made[0]
