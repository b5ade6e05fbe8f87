"""What a signature in an answer must look like before its numbers are looked at (SAML core §5.4).

One assertion, unique IDs, and a signature that is its assertion's own child and refers to it alone: so nothing else can
be signed in the place of what is read, wherever it were put.
"""

from xml.etree.ElementTree import Element

from woaas_security.sso.saml.reading import DS, SAML, SAMLP, Refused, the_one

_XMLDSIG, _MORE, _ENC = "http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/04/xmldsig-more#", "xmlenc#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_TRANSFORMS = [f"{_XMLDSIG}enveloped-signature", _EXCLUSIVE]
# No SHA-1, no HMAC: the first can be forged, for the second a public key would be the secret.
SIGNATURES = frozenset(f"{_MORE}{kind}-sha{bits}" for kind in ("rsa", "ecdsa") for bits in (256, 384, 512))
DIGESTS = frozenset(
    {f"http://www.w3.org/2001/04/{_ENC}sha256", f"{_MORE}sha384", f"http://www.w3.org/2001/04/{_ENC}sha512"}
)
_ENCRYPTED = ("EncryptedAssertion", "EncryptedID", "EncryptedAttribute", "EncryptedData")


def the_signed_assertion(response: Element) -> Element:
    """The one assertion of a response, in form signed by itself.

    Raises:
        Refused: none or several, anywhere; something encrypted; a signature that is missing, elsewhere, of something
            else, or by what can be forged.
    """
    if response.tag != f"{SAMLP}Response" or sum(e.tag == response.tag for e in response.iter()) != 1:
        msg = "It is not one response."
        raise Refused(msg)
    if any(e.tag.rpartition("}")[2] in _ENCRYPTED for e in response.iter()):
        msg = "Something in it is encrypted."
        raise Refused(msg)
    if sum(e.tag == f"{SAML}Assertion" for e in response.iter()) != 1:
        msg = "It does not have exactly one assertion."
        raise Refused(msg)
    assertion = the_one(response, f"{SAML}Assertion")
    own = [assertion, *([response] if response.find(f"{DS}Signature") is not None else [])]
    if sum(e.tag == f"{DS}Signature" for e in response.iter()) != len(own):
        msg = "It has no signature of the assertion, or signatures elsewhere."
        raise Refused(msg)
    for element in own:
        _check(the_one(element, f"{DS}Signature"), element.attrib.get("ID", ""))
    return assertion


def _check(signature: Element, signed_id: str) -> None:
    if signature.find(f"{DS}Object") is not None:
        msg = "The signature has something of its own in it."
        raise Refused(msg)
    info = the_one(signature, f"{DS}SignedInfo")
    reference = the_one(info, f"{DS}Reference")
    if not signed_id or reference.attrib.get("URI") != f"#{signed_id}":
        msg = "The signature is of something else."
        raise Refused(msg)
    transforms = [t.attrib.get("Algorithm") for t in the_one(reference, f"{DS}Transforms").findall(f"{DS}Transform")]
    is_usual = (
        transforms == _TRANSFORMS
        and the_one(info, f"{DS}CanonicalizationMethod").attrib.get("Algorithm") == _EXCLUSIVE
        and the_one(info, f"{DS}SignatureMethod").attrib.get("Algorithm") in SIGNATURES
        and the_one(reference, f"{DS}DigestMethod").attrib.get("Algorithm") in DIGESTS
    )
    if not is_usual:
        msg = "The signature is by algorithms that are not taken."
        raise Refused(msg)
