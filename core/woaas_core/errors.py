"""The tree of errors a caller may see; the class attributes are the catalogue of problem types (RFC 9457)."""

from typing import ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong with one place of a payload."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """Something the caller did or met; doors turn it into problem+json and GraphQL errors.

    ``detail`` says what was expected and what to do next, never a secret or another tenant's id.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"
    status: ClassVar[int] = 500
    hint: ClassVar[str] = ""
    # Whether the caller tried what he may not: such attempts are recorded.
    is_denial: bool = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_s: int | None = None,
        members: dict[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.hint or self.title
        self.errors = errors
        self.retry_after_s = retry_after_s
        self.members = members or {}


class Malformed(DomainError):
    """The request cannot be read at all."""

    code = "malformed"
    title = "The request cannot be read"
    status = 400
    hint = "Send well-formed JSON (UTF-8) with the documented content type."


class UnknownParameter(DomainError):
    """A query parameter, filter, sort key or field name that does not exist for this caller."""

    code = "unknown_field"
    title = "Unknown field"
    status = 400
    hint = "Use only fields you can read; GET /v1/me lists them. As a body member this is a 422."


class InvalidLimit(DomainError):
    """A page size outside 1..200."""

    code = "invalid_limit"
    title = "The limit is out of range"
    status = 400
    hint = "Ask for 1 to 200 objects a page and follow next_cursor."


class InvalidCursor(DomainError):
    """A cursor made for another query or principal, or not made here."""

    code = "invalid_cursor"
    title = "The cursor does not belong to this query"
    status = 400
    hint = "Repeat exactly the query that returned the cursor, or start without one."


class Unauthenticated(DomainError):
    """No valid credentials."""

    code = "unauthenticated"
    title = "Credentials are missing or not valid"
    status = 401
    hint = "Send Authorization: Bearer <API key>, one that is neither revoked nor expired."


class Forbidden(DomainError):
    """The caller may see the object but not do this."""

    code = "forbidden"
    title = "Your role does not allow this"
    status = 403
    hint = "Ask an owner for a role with this permission; GET /v1/me shows what yours allows."
    is_denial = True


class FieldForbidden(DomainError):
    """A readable field that the caller may not write."""

    code = "field_forbidden"
    title = "Your role may not write this field"
    status = 403
    hint = "Leave the field out, or ask an owner for write access to it."
    is_denial = True


class NotFound(DomainError):
    """Missing, not visible, or another tenant's: always the same answer."""

    code = "not_found"
    title = "Not found"
    status = 404
    hint = "Check the id and its prefix, and that the key belongs to the right tenant and mode."


class Conflict(DomainError):
    """The state of the object does not admit the request."""

    code = "conflict"
    title = "The request conflicts with the present state"
    status = 409
    hint = "Read the object again and decide anew."


class InvalidTransition(Conflict):
    """A command that this state does not know."""

    code = "invalid_transition"
    title = "The command is not possible in this state"
    hint = "Choose one of allowed_commands."


class GuardFailed(Conflict):
    """The transition exists but a fact forbids it; detail lists what is missing."""

    code = "guard_failed"
    title = "Something is still missing for this command"
    hint = "Do what detail names, then repeat the command."


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"
    title = "A request with this Idempotency-Key is still running"
    hint = "Wait for Retry-After and repeat the same request."


class Gone(DomainError):
    """A link that has expired."""

    code = "expired"
    title = "Expired"
    status = 410
    hint = "Ask for a new one."


class StaleETag(DomainError):
    """If-Match names an older version."""

    code = "stale_etag"
    title = "The object has changed since you read it"
    status = 412
    hint = "GET the object, merge, and repeat with the new ETag."


class PayloadTooLarge(DomainError):
    """A body above the limit."""

    code = "payload_too_large"
    title = "The body is too large"
    status = 413
    hint = "Send at most 1 MiB; use batch or import for more."


class UnsupportedMediaType(DomainError):
    """A content type this path does not read."""

    code = "unsupported_media_type"
    title = "Unsupported media type"
    status = 415
    hint = "Send application/json."


class Invalid(DomainError):
    """A readable payload that breaks a rule; ``errors`` points at the places."""

    code = "invalid"
    title = "The payload is not valid"
    status = 422
    hint = "Correct the places that errors[] points at."


class UnknownField(Invalid):
    """A body member that does not exist for this caller."""

    code = "unknown_field"
    title = "Unknown field"


class NotADecimalString(Invalid):
    """A quantity or an amount that is not a decimal string."""

    code = "not_a_decimal_string"
    title = "Quantities and money are decimal strings"
    hint = 'Write "12.50", not 12.50: floats lose cents.'


class IdempotencyKeyReused(Invalid):
    """The key was used before with another body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used with another body"
    hint = "Use a new key for a new request."


class RateLimited(DomainError):
    """Too many requests for the tenant or key."""

    code = "rate_limited"
    title = "Too many requests"
    status = 429
    hint = "Wait for Retry-After; RateLimit-* headers show the budget."


class NotReady(DomainError):
    """The effects asked for are not in yet, or the service is starting."""

    code = "not_ready"
    title = "Not ready yet"
    status = 503
    hint = "Repeat after Retry-After."


class Internal(DomainError):
    """A defect of ours; the request id finds it in our logs."""

    code = "internal"
    title = "Something went wrong on our side"
    status = 500
    hint = "Repeat the request with the same Idempotency-Key; tell us the request_id if it persists."


class ToolMissing(GuardFailed):
    """No tool of the wanted code is free."""

    code = "tool_missing"
    title = "A tool is missing"
    hint = "Free or record the tool (PUT /v1/tools/{code}), then repeat the command."


class PartnerLimit(Conflict):
    """As much as may lie with one partner lies there already."""

    code = "partner_limit"
    title = "The limit of this partner is reached"
    hint = "Close what is open with the partner, raise the limit, or choose another one."


class SSRFBlocked(Invalid):
    """An address that this service does not call."""

    code = "ssrf_blocked"
    title = "The address is not reachable from here"
    hint = "Give a public https address."


class TemplateInvalid(Invalid):
    """A template that cannot be published or used."""

    code = "template_invalid"
    title = "The template is not valid"
    hint = "Correct the places that errors[] points at and publish it again."


class Infeasible(Conflict):
    """No plan keeps what must be kept."""

    code = "infeasible"
    title = "There is no feasible plan"
    hint = "Relax a deadline, a fixed place or a calendar, then solve again."


class LegallyHeld(Conflict):
    """A legal hold forbids it."""

    code = "legal_hold"
    title = "A legal hold forbids this"
    hint = "Wait until the hold is over; GET /v1/legal-holds lists them."


class TenantClosing(Conflict):
    """The tenant is to be deleted: it is read and no longer changed."""

    code = "tenant_closing"
    title = "The tenant is to be deleted and is only read until then"
    hint = "An owner takes the deletion back with POST /v1/tenant/deletion/cancel."


def catalogue() -> dict[str, type[DomainError]]:
    """Every problem code with the class that documents it; the first definition of a code wins."""
    found: dict[str, type[DomainError]] = {}
    queue: list[type[DomainError]] = [DomainError]
    while queue:
        cls = queue.pop(0)
        queue.extend(cls.__subclasses__())
        if cls is not DomainError:
            found.setdefault(cls.code, cls)
    return dict(sorted(found.items()))
