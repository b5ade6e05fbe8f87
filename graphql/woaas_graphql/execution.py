"""A request of the graph, from its body to its answer, inside the transaction of the door."""

from typing import Any

import msgspec
from graphql import GraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from woaas_core.db.turns import take_turns
from woaas_core.errors import DomainError, Malformed
from woaas_graphql.context import Context
from woaas_graphql.errors import formatted
from woaas_graphql.persisted import PersistedQueries, PersistedQueryNotFound
from woaas_graphql.schema import schema

_ONE_SHOT = (OperationType.QUERY, OperationType.MUTATION)


class GraphQLRequest(msgspec.Struct, rename={"operation_name": "operationName"}):
    """A request as GraphQL over HTTP writes it; lists of them are not taken."""

    query: str = ""
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(GraphQLRequest).decode


def read_request(raw: bytes) -> GraphQLRequest:
    """The request in a body.

    Raises:
        Malformed: not JSON, or not of that shape.
    """
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f'Send {{"query", "variables", "operationName"}} as one JSON object: {error}.'
        raise Malformed(msg) from None


async def execute(request: GraphQLRequest, context: Context, persisted: PersistedQueries) -> dict[str, Any]:
    """Run a query or mutation; errors are part of the answer.

    Raises:
        Malformed: it names no document.
    """
    take_turns(context.uow)
    try:
        document = persisted.document(context.principal.tenant_id, request.query, request.extensions)
        result = await schema().execute(
            document,
            variable_values=request.variables,
            context_value=context,
            operation_name=request.operation_name,
            allowed_operation_types=_ONE_SHOT,
        )
    except PersistedQueryNotFound as error:
        return refused(error, context.request_id)
    except InvalidOperationTypeError:
        return refused(Malformed("Subscriptions are served over WebSocket (graphql-transport-ws)."), context.request_id)
    except CannotGetOperationTypeError:
        msg = "Name one of the document's operations in operationName."
        return refused(Malformed(msg), context.request_id)
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [formatted(e, request_id=context.request_id) for e in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def refused(error: DomainError, request_id: str) -> dict[str, Any]:
    """The answer to a request that was not run."""
    return {
        "data": None,
        "errors": [formatted(GraphQLError(error.detail, original_error=error), request_id=request_id)],
    }
