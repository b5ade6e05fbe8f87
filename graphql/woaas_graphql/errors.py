"""Errors of the graph: REST's codes in ``errors[].extensions``."""

from typing import Any

from graphql import GraphQLError
from graphql.error import GraphQLSyntaxError
from strawberry.utils.str_converters import to_camel_case

from woaas_core.db.refusals import as_domain_error
from woaas_core.errors import DomainError, FieldForbidden, Malformed

_PARSER_LIMITS = ("tokens", "nested too deeply")
_FREE_MEMBERS = "custom_fields"


class QueryTooComplex(DomainError):
    """A document deeper, wider or dearer than the limits."""

    code = "query_too_complex"
    title = "The query asks for too much at once"
    status = 400
    hint = "Ask for smaller pages (first), fewer levels or several requests; extensions.cost tells the price of each."


class FieldUnreadable(FieldForbidden):
    """A field that the caller's roles do not show; it is null."""

    title = "Your role may not read this field"
    hint = "Leave the field out, or ask an owner for read access to it."


def formatted(error: GraphQLError, *, request_id: str) -> dict[str, Any]:
    """An error as the answer shows it; anything unforeseen only says that it happened."""
    cause = cause_of(error)
    extensions: dict[str, Any] = {"code": cause.code, "status": cause.status, "request_id": request_id, **cause.members}
    if cause.errors:
        extensions["errors"] = [
            {"pointer": pointer(e.pointer), "code": e.code, "detail": e.detail} for e in cause.errors
        ]
    if cause.retry_after_s is not None:
        extensions["retry_after"] = cause.retry_after_s
    shown: dict[str, Any] = {"message": cause.detail, "extensions": extensions}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    return shown


def cause_of(error: GraphQLError) -> DomainError:
    """The error of the catalogue behind one of the graph."""
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if original is not None and not isinstance(original, GraphQLError):
        return as_domain_error(original)
    if isinstance(error, GraphQLSyntaxError) and any(limit in error.message for limit in _PARSER_LIMITS):
        return QueryTooComplex(error.message)
    # Some rules suggest names that were not asked for.
    return Malformed(error.message.partition(" Did you mean ")[0])


def pointer(text: str) -> str:
    """A JSON Pointer in the graph's names; members of free objects keep theirs."""
    head, found, rest = text.partition(f"/{_FREE_MEMBERS}")
    steps = [to_camel_case(step) for step in (head + found).split("/")]
    return "/".join(steps) + rest
