"""What a search finds."""

from __future__ import annotations

from woaas._models import Model


class Highlight(Model):
    """Where the text is in a field: `text[start:end]`; `text` may be cut."""

    field: str
    text: str
    start: int
    end: int


class Hit(Model):
    """An object that was found, as far as it may be read."""

    kind: str
    id: str
    number: str | None
    code: str | None
    title: str | None
    state: str | None
    work_order_id: str | None
    highlights: list[Highlight]


class Facets(Model):
    """How many objects there are by kind and by state, beyond the hits that are told."""

    kind: dict[str, int]
    state: dict[str, int]


class Found(Model):
    """The best hits first."""

    data: list[Hit]
    facets: Facets
