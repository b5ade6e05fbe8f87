"""What is asked of the process that reads XML, and what it answers."""

from typing import Any

import msgspec


class ReadMetadata(msgspec.Struct, tag=True):
    """What a provider's metadata says; ``at`` is now, as seconds since 1970."""

    text: str
    at: float


class Judge(msgspec.Struct, tag=True):
    """Whether an answer (base64, as the form brings it) is the provider's, for us, of now and of this very request."""

    answer: str
    entity_id: str
    certificates: list[str]
    own_entity_id: str
    acs_url: str
    request_id: str
    at: float
    xmlsec1: str
    role_claim: str | None = None


class ProviderFacts(msgspec.Struct, tag=True):
    """What of a provider's metadata is kept; certificates are DER in base64."""

    entity_id: str
    sign_on_url: str
    certificates: list[str]


class Judged(msgspec.Struct, tag=True):
    """Whom an answer that can be believed names; ``at`` is when he authenticated."""

    assertion_id: str
    subject: str
    email: str
    name: str
    groups: list[str]
    at: float


class Fault(msgspec.Struct, tag=True):
    """Why something is not believed."""

    reason: str


Question = ReadMetadata | Judge
Answer = ProviderFacts | Judged | Fault

encoder = msgspec.json.Encoder()
question_of: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder(Question)
answer_of: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder(Answer)
