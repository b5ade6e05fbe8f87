"""The schema, put together; ``graphql/schema.graphql`` is its committed text."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from woaas_core.errors import Internal
from woaas_core.telemetry import logger
from woaas_graphql.commands import MUTATIONS
from woaas_graphql.errors import cause_of
from woaas_graphql.limits import Limits
from woaas_graphql.nodes import read
from woaas_graphql.queries import QUERIES
from woaas_graphql.scalars import SCALARS
from woaas_graphql.subscriptions import SUBSCRIPTIONS

COMMITTED = Path(__file__).parent.parent / "schema.graphql"

log = logger(__name__)


class Schema(strawberry.Schema):
    """A schema that logs what nobody foresaw; what a caller did wrong is his to read."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log defects of ours."""
        del execution_context
        for error in errors:
            if isinstance(cause_of(error), Internal):
                log.error("graphql.field.failed", path=error.path, exc_info=error.original_error)


def _root(name: str, doc: str, fields: dict[str, Any]) -> Any:
    return strawberry.type(type(name, (), {"__doc__": doc, **fields}), description=doc)


@lru_cache(maxsize=1)
def schema() -> Schema:
    """The schema of this version of the code."""
    return Schema(
        query=_root("Query", "What can be read.", QUERIES),
        mutation=_root("Mutation", "What can be done.", {n: v.field(n) for n, v in MUTATIONS.items()}),
        subscription=_root("Subscription", "What can be followed.", SUBSCRIPTIONS),
        extensions=[Limits],
        config=StrawberryConfig(default_resolver=read, disable_field_suggestions=True, scalar_map=SCALARS),
    )


def sdl() -> str:
    """The schema as text."""
    return f"{schema().as_str().rstrip()}\n"


def committed() -> str:
    """The committed text; an installed package carries none and writes its own."""
    return COMMITTED.read_text() if COMMITTED.exists() else sdl()
