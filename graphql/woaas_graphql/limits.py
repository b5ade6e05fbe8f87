"""What a document may ask for at once: depth, aliases, tokens and cost.

Costs are known before anything runs: an object costs its field's weight times how many of it the pages around it
can hold (as in IBM's GraphQL cost specification: assumed and requested sizes).
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    get_named_type,
)
from graphql.utilities import value_from_ast_untyped
from strawberry.extensions import SchemaExtension

from woaas_graphql.errors import QueryTooComplex

MAX_DEPTH = 10
MAX_ALIASES = 30
MAX_TOKENS = 2000
BUDGET = 1000
MUTATION_WEIGHT = 10
ASSUMED_LIST_SIZE = 10
_MAX_PAGE = 200


class Price(NamedTuple):
    """What a part of a document asks for."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0

    def beside(self, other: "Price") -> "Price":
        """Both parts."""
        return Price(max(self.depth, other.depth), self.aliases + other.aliases, self.cost + other.cost)


class Limits(SchemaExtension):
    """Refuses documents beyond the limits and tells the cost in ``extensions.cost``."""

    budget = BUDGET

    def on_operation(self) -> Iterator[None]:
        """Bound the parser."""
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        self._price: Price | None = None
        yield

    def on_validate(self) -> Iterator[None]:
        """Add the rule that counts."""
        self.execution_context.validation_rules = (*self.execution_context.validation_rules, self._rule())
        yield

    def get_results(self) -> dict[str, Any]:
        """What the operation cost."""
        if self._price is None:
            return {}
        return {"cost": {"requested": self._price.cost, "budget": self.budget}}

    def _rule(self) -> type[ValidationRule]:
        limits = self

        class WithinLimits(ValidationRule):
            """Prices the document before it is visited."""

            def __init__(self, context: ValidationContext) -> None:
                super().__init__(context)
                operations = [d for d in context.document.definitions if isinstance(d, OperationDefinitionNode)]
                named = limits.execution_context._provided_operation_name  # noqa: SLF001 - told nowhere else
                if len(operations) > 1 and named is None:
                    context.report_error(GraphQLError("Name one of the document's operations in operationName."))
                variables = limits.execution_context.variables or {}
                limits._price = price = price_of(context, variables)
                for found, most, what in (
                    (price.depth, MAX_DEPTH, "levels"),
                    (price.aliases, MAX_ALIASES, "aliases"),
                    (price.cost, limits.budget, "cost units"),
                ):
                    if found > most:
                        cause = QueryTooComplex(f"The query asks for {found} {what}; {most} are allowed.")
                        context.report_error(GraphQLError(cause.detail, original_error=cause))
                        break

        return WithinLimits


def price_of(context: ValidationContext, variables: Mapping[str, Any]) -> Price:
    """The price of the dearest operation of a document."""
    definitions = context.document.definitions
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    prices = [
        _Pricing(context.schema, fragments, {**_defaults(d), **variables}).of(d)
        for d in definitions
        if isinstance(d, OperationDefinitionNode)
    ]
    return max(prices, key=lambda p: p.cost, default=Price())


class _Pricing:
    """Prices one operation; a fragment once for each page size it is used under, however often it is spread."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[tuple[str, int, int], Price] = {}

    def of(self, operation: OperationDefinitionNode) -> Price:
        root = self._schema.get_root_type(operation.operation)
        weight = MUTATION_WEIGHT if operation.operation == OperationType.MUTATION else 1
        return self._selections(operation.selection_set, root, weight, 0)

    def _selections(self, selected: SelectionSetNode, on: Any, weight: int, page: int) -> Price:
        """The price of one object's fields; ``page`` is the size of the connection they belong to."""
        total = Price()
        for selection in selected.selections:
            match selection:
                case FieldNode():
                    total = total.beside(self._field(selection, on, weight, page))
                case InlineFragmentNode(type_condition=condition):
                    inner = self._schema.get_type(condition.name.value) if condition else on
                    total = total.beside(self._selections(selection.selection_set, inner, weight, page))
                case FragmentSpreadNode(name=name):
                    total = total.beside(self._fragment(name.value, weight, page))
        return total

    def _fragment(self, name: str, weight: int, page: int) -> Price:
        key = (name, weight, page)
        fragment = self._fragments.get(name)
        if key not in self._known and fragment is not None:
            self._known[key] = Price()  # what a fragment within itself costs; another rule refuses it
            on = self._schema.get_type(fragment.type_condition.name.value)
            self._known[key] = self._selections(fragment.selection_set, on, weight, page)
        return self._known.get(key, Price())

    def _field(self, node: FieldNode, on: Any, weight: int, page: int) -> Price:
        name = node.name.value
        aliases = int(node.alias is not None)
        if name.startswith("__"):
            return Price(0, aliases, 0)
        field = on.fields.get(name) if isinstance(on, GraphQLObjectType) else None
        if field is None or node.selection_set is None:
            return Price(1, aliases, 0)
        inner = get_named_type(field.type)
        is_page = inner.name.endswith("Connection")
        below = self._selections(node.selection_set, inner, 1, self._page_size(field, node) if is_page else page)
        count = page if name == "edges" else self._count(field, node)
        own = 0 if name in ("node", "pageInfo") else weight
        return Price(1 + below.depth, aliases + below.aliases, count * (own + below.cost))

    def _count(self, field: GraphQLField, node: FieldNode) -> int:
        kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        if not isinstance(kind, GraphQLList):
            return 1
        return self._page_size(field, node) if "first" in field.args else ASSUMED_LIST_SIZE

    def _page_size(self, field: GraphQLField, node: FieldNode) -> int:
        """``first`` as it is given; what no list would serve is left to the list to refuse."""
        given: Any = field.args["first"].default_value if "first" in field.args else ASSUMED_LIST_SIZE
        for argument in node.arguments or ():
            if argument.name.value == "first":
                given = value_from_ast_untyped(argument.value, dict(self._variables))
        return min(max(given, 1), _MAX_PAGE) if isinstance(given, int) else _MAX_PAGE


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        d.variable.name.value: value_from_ast_untyped(d.default_value)
        for d in operation.variable_definitions or ()
        if d.default_value is not None
    }
