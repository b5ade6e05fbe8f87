"""What we write: the request that a browser takes along, and our own metadata (SAML bindings §3.4, metadata §2.4.4)."""

import base64
import zlib
from datetime import datetime
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"


class Party(NamedTuple):
    """Who we are to a provider: a connection has a name and a place for answers of its own."""

    entity_id: str
    acs_url: str


def sign_on_url(
    own: Party, provider_url: str, request_id: str, relay_state: str, now: datetime, *, forces: bool = False
) -> str:
    """Where the browser is sent to sign in; with ``forces`` the provider has to ask him anew."""
    forced = ' ForceAuthn="true"' if forces else ""
    request = (
        f'<samlp:AuthnRequest xmlns:samlp="{_PROTOCOL}" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
        f' ID="{escape(request_id)}" Version="2.0" IssueInstant="{now:%Y-%m-%dT%H:%M:%SZ}"'
        f' Destination="{escape(provider_url)}" AssertionConsumerServiceURL="{escape(own.acs_url)}"'
        f' ProtocolBinding="{POST_BINDING}"{forced}>'
        f"<saml:Issuer>{escape(own.entity_id)}</saml:Issuer>"
        '<samlp:NameIDPolicy AllowCreate="true"/>'
        "</samlp:AuthnRequest>"
    )
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = base64.b64encode(packer.compress(request.encode()) + packer.flush()).decode()
    joint = "&" if urlsplit(provider_url).query else "?"
    return f"{provider_url}{joint}{urlencode({'SAMLRequest': packed, 'RelayState': relay_state})}"


def own_metadata(own: Party) -> str:
    """What a provider has to know of us."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{escape(own.entity_id)}">'
        '<md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true"'
        f' protocolSupportEnumeration="{_PROTOCOL}">'
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>"
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>"
        f'<md:AssertionConsumerService Binding="{POST_BINDING}" Location="{escape(own.acs_url)}"'
        ' index="0" isDefault="true"/>'
        "</md:SPSSODescriptor></md:EntityDescriptor>\n"
    )
