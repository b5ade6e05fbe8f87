"""Judging an answer (SAML profiles §4.1.4); only the process that reads XML imports this.

Three readers have to agree: ours on the form, pysaml2 with xmlsec1 on the signatures and the schema, ours again on whom
it is for. Nothing that the answer says of keys is used.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from saml2.response import AuthnResponse
from saml2.sigver import CryptoBackendXmlSec1, SecurityContext

from woaas_security.sso.saml.messages import Judge, Judged
from woaas_security.sso.saml.reading import MAX_BYTES, SAML, SAMLP, Refused, instant_of, text_of, the_one, tree_of
from woaas_security.sso.saml.signatures import the_signed_assertion

SKEW_S = 30
_OLDEST_S = 600
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:"
_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_CONDITIONS = frozenset(f"{SAML}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))
_EMAIL = (
    *("email", "mail", "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3"),
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
_NAME = (
    *("displayname", "name", "urn:oid:2.16.840.1.113730.3.1.241"),
    "http://schemas.microsoft.com/identity/claims/displayname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
)
_MOST_GROUPS = 500


class _Pinned:
    """The certificates of the connection's provider, as pysaml2 asks for metadata; nobody else has any."""

    def __init__(self, entity_id: str, certificates: list[str]) -> None:
        self._entity_id, self._certificates = entity_id, certificates

    def certs(self, entity_id: str, _descriptor: str, _use: str) -> list[tuple[None, str]]:
        if entity_id != self._entity_id:
            raise KeyError(entity_id)
        return [(None, certificate) for certificate in self._certificates]


def judge(question: Judge) -> Judged:
    """Whom the answer names.

    Raises:
        Refused: it cannot be believed.
    """
    try:
        text = base64.b64decode("".join(question.answer.split()), validate=True)
    except binascii.Error:
        msg = "It is not base64."
        raise Refused(msg) from None
    if len(text) > MAX_BYTES:
        msg = "It is too long."
        raise Refused(msg)
    response = tree_of(text)
    assertion = the_signed_assertion(response)
    _check_response(response, question)
    _check_issuers(response, assertion, question)
    _check_conditions(assertion, question)
    since = _check_authentication(assertion, question)
    judged = _told(assertion, question, _check_subject(assertion, question), since)
    # Last, since it takes longest: until it is over nothing of the above counts.
    _check_signatures(text, question)
    return judged


def _check_response(response: Element, question: Judge) -> None:
    status = the_one(the_one(response, f"{SAMLP}Status"), f"{SAMLP}StatusCode")
    _require(status.attrib.get("Value") == _SUCCESS, "The provider did not let him in.")
    _require(response.attrib.get("Version") == "2.0", "It is not of SAML 2.0.")
    _require(response.attrib.get("Destination") == question.acs_url, "It was sent to somebody else.")
    _require(response.attrib.get("InResponseTo") == question.request_id, "It answers another request, or none.")
    issued_at = instant_of(response.attrib.get("IssueInstant"))
    _require(-_OLDEST_S <= issued_at - question.at <= SKEW_S, "It was not issued now.")


def _check_issuers(response: Element, assertion: Element, question: Judge) -> None:
    named = [*response.findall(f"{SAML}Issuer"), the_one(assertion, f"{SAML}Issuer")]
    _require(all(text_of(one) == question.entity_id for one in named), "It is another provider's.")


def _check_signatures(text: bytes, question: Judge) -> None:
    security = SecurityContext(
        CryptoBackendXmlSec1(question.xmlsec1),
        metadata=_Pinned(question.entity_id, question.certificates),
        only_use_keys_in_metadata=True,
    )
    answer = AuthnResponse(
        security,
        attribute_converters=[],
        entity_id=question.own_entity_id,
        return_addrs=[question.acs_url],
        outstanding_queries={question.request_id: "/"},
        timeslack=SKEW_S,
        allow_unknown_attributes=True,
        want_assertions_signed=True,
        conv_info={"entity_id": question.own_entity_id},
    )
    try:
        is_good = answer.loads(text.decode(), decode=False).verify() is not None
    except Exception as error:  # its complaints have no common class
        msg = f"Its signature or form cannot be believed ({type(error).__name__})."
        raise Refused(msg) from None
    _require(is_good, "Its signature or form cannot be believed.")


def _check_conditions(assertion: Element, question: Judge) -> None:
    _require(assertion.attrib.get("Version") == "2.0", "It is not of SAML 2.0.")
    conditions = the_one(assertion, f"{SAML}Conditions")
    _require(all(c.tag in _CONDITIONS for c in conditions), "It has a condition that is not known.")
    _check_window(conditions, question)
    restrictions = conditions.findall(f"{SAML}AudienceRestriction")
    is_ours = [any(text_of(a) == question.own_entity_id for a in r.findall(f"{SAML}Audience")) for r in restrictions]
    _require(bool(is_ours) and all(is_ours), "It is for another audience.")


def _check_authentication(assertion: Element, question: Judge) -> float:
    statement = the_one(assertion, f"{SAML}AuthnStatement")
    until = statement.attrib.get("SessionNotOnOrAfter")
    _require(until is None or question.at < instant_of(until) + SKEW_S, "The session at the provider has ended.")
    since = instant_of(statement.attrib.get("AuthnInstant"))
    _require(since <= question.at + SKEW_S, "It is of the future.")
    return since


def _check_subject(assertion: Element, question: Judge) -> Element:
    subject = the_one(assertion, f"{SAML}Subject")
    confirmation = the_one(subject, f"{SAML}SubjectConfirmation")
    _require(confirmation.attrib.get("Method") == _BEARER, "Its subject is confirmed in a way that is not known.")
    data = the_one(confirmation, f"{SAML}SubjectConfirmationData")
    _require(data.attrib.get("Recipient") == question.acs_url, "It is for another recipient.")
    _require(data.attrib.get("InResponseTo") == question.request_id, "It answers another request, or none.")
    _check_window(data, question)
    return the_one(subject, f"{SAML}NameID")


def _check_window(element: Element, question: Judge) -> None:
    _require(question.at < instant_of(element.attrib.get("NotOnOrAfter")) + SKEW_S, "Its time is over.")
    since = element.attrib.get("NotBefore")
    _require(since is None or instant_of(since) <= question.at + SKEW_S, "Its time has not come.")


def _told(assertion: Element, question: Judge, name_id: Element, at: float) -> Judged:
    kind, subject = name_id.attrib.get("Format", ""), text_of(name_id)
    _require(0 < len(subject) <= 255, "It names nobody.")
    _require(kind != _TRANSIENT, "It calls him otherwise each time (a transient NameID).")
    told = dict(_attributes(assertion))
    folded = {name.lower(): values for name, values in told.items()}
    email = _first(folded, _EMAIL) or (subject if kind == f"{_FORMAT}emailAddress" else "")
    groups = told.get(question.role_claim or "", [])[:_MOST_GROUPS]
    identifier = assertion.attrib["ID"]
    return Judged(identifier, subject, email.strip().lower()[:250], _first(folded, _NAME)[:250], groups, at)


def _attributes(assertion: Element) -> Iterator[tuple[str, list[str]]]:
    for attribute in assertion.iterfind(f"{SAML}AttributeStatement/{SAML}Attribute"):
        values = [text_of(value) for value in attribute.findall(f"{SAML}AttributeValue")]
        yield attribute.attrib.get("Name", ""), values


def _first(told: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((told[name][0] for name in names if told.get(name)), "")


def _require(is_so: bool, reason: str) -> None:
    if not is_so:
        raise Refused(reason)
