"""Reading the metadata of a provider (SAML metadata §2.4); only the process that reads XML imports this."""

import base64
import binascii
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import load_der_x509_certificate

from woaas_security.sso.saml.messages import ProviderFacts, ReadMetadata
from woaas_security.sso.saml.reading import DS, META, SAMLP, Refused, instant_of, text_of, tree_of

_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_LEAST_BITS = {rsa.RSAPublicKey: 2048, ec.EllipticCurvePublicKey: 256}
_MOST_CERTIFICATES = 10


def read(question: ReadMetadata) -> ProviderFacts:
    """The entity, where it signs people in, and what it signs with.

    Certificates are pinned: neither who issued one nor until when is looked at, as SAML's are commonly self-signed.

    Raises:
        Refused: not the metadata of one provider that can be used here.
    """
    root = tree_of(question.text.encode())
    described = [e for e in root.iter(f"{META}EntityDescriptor") if e.find(f"{META}IDPSSODescriptor") is not None]
    roles = [r for e in described for r in e.findall(f"{META}IDPSSODescriptor") if _speaks(r)]
    if len(described) != 1 or len(roles) != 1:
        msg = "It does not describe exactly one identity provider of SAML 2.0."
        raise Refused(msg)
    if any(instant_of(e.attrib["validUntil"]) <= question.at for e in root.iter() if "validUntil" in e.attrib):
        msg = "It is no longer valid."
        raise Refused(msg)
    places = (s for s in roles[0].findall(f"{META}SingleSignOnService") if s.attrib.get("Binding") == _REDIRECT)
    urls = [s.attrib.get("Location", "") for s in places]
    if not urls:
        msg = "The provider takes no requests by redirect."
        raise Refused(msg)
    certificates = list(dict.fromkeys(_certificates(roles[0])))
    if not 0 < len(certificates) <= _MOST_CERTIFICATES:
        msg = "It has no certificate for signatures, or too many."
        raise Refused(msg)
    entity_id = described[0].attrib.get("entityID", "")
    if not 0 < len(entity_id) <= 500:
        msg = "The provider has no entity ID."
        raise Refused(msg)
    return ProviderFacts(entity_id, urls[0], certificates)


def _speaks(role: Element) -> bool:
    return SAMLP.strip("{}") in role.attrib.get("protocolSupportEnumeration", "").split()


def _certificates(role: Element) -> Iterator[str]:
    for descriptor in role.findall(f"{META}KeyDescriptor"):
        if descriptor.attrib.get("use", "signing") == "signing":
            for element in descriptor.iter(f"{DS}X509Certificate"):
                yield _checked("".join(text_of(element).split()))


def _checked(text: str) -> str:
    try:
        key = load_der_x509_certificate(base64.b64decode(text, validate=True)).public_key()
    except (binascii.Error, ValueError):
        msg = "A certificate cannot be read."
        raise Refused(msg) from None
    least = next((bits for kind, bits in _LEAST_BITS.items() if isinstance(key, kind)), None)
    if least is None or key.key_size < least:  # type: ignore[union-attr]  # both kinds have one
        msg = "A certificate's key is too short, or neither RSA nor of an elliptic curve."
        raise Refused(msg)
    return text
