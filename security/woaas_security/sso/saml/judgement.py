"""The answers of the process that reads XML, as sign-on and connections take them."""

from datetime import datetime
from typing import TYPE_CHECKING

from woaas_core.outbound.addresses import Outbound
from woaas_core.outbound.http import checked_url
from woaas_core.wire import invalid
from woaas_security.sso.arrival import Claims
from woaas_security.sso.provider import ProviderFailed
from woaas_security.sso.saml.messages import Judge, Judged, ProviderFacts, ReadMetadata
from woaas_security.sso.saml.requests import Party
from woaas_security.sso.saml.verifier import Verifier, tool

if TYPE_CHECKING:
    from asyncpg import Record

# In base64; what is longer is not even handed on.
_MOST_CHARACTERS = 360_000


async def claims_of(
    verifier: Verifier, connection: "Record", own: Party, request_id: str, answer: str, now: datetime
) -> tuple[Claims, str]:
    """Whom an answer names, and the assertion's ID.

    SAML knows no unverified addresses: those of a domain that the tenant has shown to be its own are its provider's to
    give.

    Raises:
        ProviderFailed: the answer cannot be believed.
        SAMLMissing: nobody here can tell.
    """
    if not 0 < len(answer) <= _MOST_CHARACTERS:
        msg = "There is no answer, or it is too long."
        raise ProviderFailed(msg)
    found = await verifier.ask(
        Judge(
            answer=answer,
            entity_id=connection["issuer"],
            certificates=list(connection["certificates"]),
            own_entity_id=own.entity_id,
            acs_url=own.acs_url,
            request_id=request_id,
            at=now.timestamp(),
            xmlsec1=tool(),
            role_claim=connection["role_claim"],
        )
    )
    if not isinstance(found, Judged):
        reason = getattr(found, "reason", "")
        raise ProviderFailed(reason)
    claims = Claims(
        found.subject,
        found.email,
        is_verified=True,
        name=found.name,
        groups=tuple(found.groups),
        authenticated_at=found.at,
    )
    return claims, found.assertion_id


async def facts_of(verifier: Verifier, text: str, outbound: Outbound, now: datetime) -> ProviderFacts:
    """What is kept of a provider's metadata.

    Raises:
        Invalid: it is not the metadata of one provider that can be used.
        SSRFBlocked: people would be sent to no public https address.
        SAMLMissing: nobody here can tell.
    """
    found = await verifier.ask(ReadMetadata(text, now.timestamp()))
    if not isinstance(found, ProviderFacts):
        raise invalid("/metadata", "invalid", getattr(found, "reason", ""))
    checked_url(found.sign_on_url, outbound)
    return found
