"""What a document may ask for at once: depth, aliases, tokens, repetitions and cost.

Costs are known before anything runs: an object costs its field's weight times how many of it the pages around it
can hold (as in IBM's GraphQL cost specification: assumed and requested sizes).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
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
    get_named_type,
)
from graphql.utilities import value_from_ast_untyped
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from woaas_graphql.errors import QueryTooComplex

MAX_DEPTH = 10
MAX_ALIASES = 30
MAX_TOKENS = 2000
MAX_NESTING = 40
MAX_REPEATS = 20
MAX_DIRECTIVES = 50
MAX_FRAGMENTS = 50
BUDGET = 1000
MUTATION_WEIGHT = 10
SEARCH_WEIGHT = 20
WEIGHT = "weight"
"""The metadata of a field that costs more than the object it answers: a search asks every kind."""
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


class Shape(NamedTuple):
    """What a document is made of, whatever its names mean: what the rules of the specification take time for."""

    nesting: int = 0
    repeats: int = 0
    directives: int = 0
    fragments: int = 0

    def against_limits(self) -> tuple[tuple[int, int, str], ...]:
        """Each number with the most that is allowed and what it counts."""
        return (
            (self.nesting, MAX_NESTING, "nested selections"),
            (self.repeats, MAX_REPEATS, "selections of one name"),
            (self.directives, MAX_DIRECTIVES, "directives"),
            (self.fragments, MAX_FRAGMENTS, "fragments"),
        )


class Limits(SchemaExtension):
    """Refuses documents beyond the limits and tells the cost in ``extensions.cost``."""

    budget = BUDGET

    def on_operation(self) -> Iterator[None]:
        """Bound the parser."""
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        self._price: Price | None = None
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuse before the rules of the specification are asked: some of them take the square of what is sent."""
        refused = self._refused()
        if refused is not None:
            self.execution_context.pre_execution_errors = [refused]
        yield

    def get_results(self) -> dict[str, Any]:
        """What the operation cost."""
        if self._price is None:
            return {}
        return {"cost": {"requested": self._price.cost, "budget": self.budget}}

    def _refused(self) -> GraphQLError | None:
        told = self.execution_context
        document = told.graphql_document
        assert document is not None
        for found, most, what in shape_of(document).against_limits():
            if found > most:
                return _too_complex(found, most, what)
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) > 1 and told._provided_operation_name is None:  # noqa: SLF001 - told nowhere else
            return GraphQLError("Name one of the document's operations in operationName.")
        schema: GraphQLSchema = told.schema._schema  # noqa: SLF001 - told nowhere else
        self._price = price = price_of(schema, document, told.variables or {})
        for found, most, what in (
            (price.depth, MAX_DEPTH, "levels"),
            (price.aliases, MAX_ALIASES, "aliases"),
            (price.cost, self.budget, "cost units"),
        ):
            if found > most:
                return _too_complex(found, most, what)
        return None


def _too_complex(found: int, most: int, what: str) -> GraphQLError:
    cause = QueryTooComplex(f"The query asks for {found} {what}; {most} are allowed.")
    return GraphQLError(cause.detail, original_error=cause)


def shape_of(document: DocumentNode) -> Shape:
    """What a document is made of, each node seen once."""
    shape = Shape(fragments=sum(isinstance(d, FragmentDefinitionNode) for d in document.definitions))
    waiting: list[tuple[Any, int]] = [(definition, 0) for definition in document.definitions]
    while waiting:
        node, level = waiting.pop()
        selected = getattr(node, "selection_set", None)
        inner = selected.selections if selected else ()
        names = Counter((n.alias or n.name).value for n in inner if isinstance(n, FieldNode))
        shape = Shape(
            nesting=max(shape.nesting, level),
            repeats=max(shape.repeats, *names.values(), 0),
            directives=shape.directives + len(node.directives or ()),
            fragments=shape.fragments,
        )
        waiting += [(n, level + 1) for n in inner]
    return shape


def price_of(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> Price:
    """The price of the dearest operation of a document."""
    definitions = document.definitions
    fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
    prices = [
        _Pricing(schema, fragments, {**_defaults(d), **variables}).of(d)
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
        """The price of one object's fields; ``page`` is how many its own lists hold, if it is a page."""
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
        is_list = isinstance(field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type, GraphQLList)
        size = self._page_size(field, node) if "first" in field.args else 0
        below = self._selections(node.selection_set, get_named_type(field.type), 1, 0 if is_list else size)
        count = (size or page or ASSUMED_LIST_SIZE) if is_list else 1
        own = 0 if name in ("node", "pageInfo") else weight * _weight(field)
        return Price(1 + below.depth, aliases + below.aliases, count * (own + below.cost))

    def _page_size(self, field: GraphQLField, node: FieldNode) -> int:
        """``first`` as it is given; what no list would serve is left to the list to refuse."""
        given: Any = field.args["first"].default_value
        for argument in node.arguments or ():
            if argument.name.value == "first":
                given = value_from_ast_untyped(argument.value, dict(self._variables))
        return min(max(given, 1), _MAX_PAGE) if isinstance(given, int) else _MAX_PAGE


def _weight(field: GraphQLField) -> int:
    """What the field itself costs beside what is below it."""
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return int(declared.metadata.get(WEIGHT, 1)) if isinstance(declared, StrawberryField) else 1


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        d.variable.name.value: value_from_ast_untyped(d.default_value)
        for d in operation.variable_definitions or ()
        if d.default_value is not None
    }
