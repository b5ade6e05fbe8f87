"""Work orders out of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import cast

from woaas import Client, Model
from woaas.types.work_orders import WorkOrderInput

BATCH = 500
INTEGERS = frozenset({"priority", "template_version"})


@dataclass
class Imported:
    """What became of the lines of a file."""

    created: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """As `--json` prints it."""
        refused = [{"line": line, "reason": reason} for line, reason in self.refused]
        return {"created": self.created, "known": self.known, "refused": refused}


def import_orders(client: Client, file: Path, *, release: bool) -> Imported:
    """Create the orders of a file, in batches; lines the service refuses are listed and stop nothing.

    Raises:
        ValueError: the file has no product or no quantity column.
    """
    result = Imported()
    with file.open(encoding="utf-8-sig", newline="") as lines:
        orders = order_lines(lines, release=release)
        while chunk := dict(islice(orders, BATCH)):
            for answer in client.work_orders.batch(chunk):
                if answer.status == 201:
                    result.created += 1
                elif answer.status == 200:
                    result.known += 1
                else:
                    result.refused.append((int(answer.key), _reason(answer.problem)))
    return result


def order_lines(lines: Iterable[str], *, release: bool = False) -> Iterator[tuple[str, WorkOrderInput]]:
    """Line number and order of each row; empty cells are left out."""
    reader = csv.DictReader(lines)
    columns = set(reader.fieldnames or ())
    if missing := {"product", "quantity"} - columns:
        raise ValueError(f"the column {', '.join(sorted(missing))} is missing")
    for row in reader:
        order: dict[str, object] = {"release": True} if release else {}
        custom: dict[str, str] = {}
        for name, cell in row.items():
            if name is None or not isinstance(cell, str) or not cell.strip():
                continue
            value = cell.strip()
            if name.startswith("custom_fields."):
                custom[name.removeprefix("custom_fields.")] = value
            else:
                order[name] = int(value) if name in INTEGERS and value.isdigit() else value
        if custom:
            order["custom_fields"] = custom
        if order:
            yield str(reader.line_num), cast("WorkOrderInput", order)


def _reason(problem: Model | None) -> str:
    return str(problem.get("detail") or problem.get("code") or "refused") if problem else "refused"
