"""Which differences between two OpenAPI documents break a client: /v1 only grows.

``python -m woaas_api.openapi_changes OLD.json NEW.json`` lists them and exits 1 if there are any. Clients ignore
unknown members and enum values of answers, so those may come; what they send must go on being accepted.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

_TIGHTER_IF_HIGHER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_TIGHTER_IF_LOWER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


class Documents(NamedTuple):
    """The two documents, to follow references in."""

    old: Json
    new: Json


def breaking_changes(old: Json, new: Json) -> list[str]:
    """What a client written against ``old`` would trip over in ``new``, one line each."""
    documents = Documents(old, new)
    return sorted(set(_of_paths(documents)))


def _of_paths(documents: Documents) -> Iterator[str]:
    for path, methods in documents.old["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            newer = documents.new["paths"].get(path, {}).get(method)
            if newer is None:
                yield f"{where}: removed"
                continue
            if newer["operationId"] != operation["operationId"]:
                yield f"{where}: operationId {operation['operationId']!r} became {newer['operationId']!r}"
            yield from _of_parameters(documents, where, operation, newer)
            yield from _of_body(documents, where, operation, newer)
            yield from _of_answers(documents, where, operation, newer)


def _of_parameters(documents: Documents, where: str, old: Json, new: Json) -> Iterator[str]:
    before = {(p["in"], p["name"]): p for p in (_follow(documents.old, p) for p in old.get("parameters", []))}
    after = {(p["in"], p["name"]): p for p in (_follow(documents.new, p) for p in new.get("parameters", []))}
    for key, parameter in before.items():
        if key not in after:
            yield f"{where}: {key[0]} parameter {key[1]!r} removed"
        else:
            yield from _narrowed(documents, f"{where} ?{key[1]}", parameter["schema"], after[key]["schema"])
    for key, parameter in after.items():
        was_required = key in before and before[key].get("required", False)
        if parameter.get("required", False) and not was_required:
            yield f"{where}: {key[0]} parameter {key[1]!r} is now required"


def _of_body(documents: Documents, where: str, old: Json, new: Json) -> Iterator[str]:
    before, after = old.get("requestBody"), new.get("requestBody")
    if after and after.get("required") and not (before and before.get("required")):
        yield f"{where}: a body is now required"
    if before and not after:
        yield f"{where}: the body is no longer read"
    elif before and after:
        for media, content in before["content"].items():
            if media not in after["content"]:
                yield f"{where}: {media} is no longer read"
            else:
                yield from _narrowed(documents, f"{where} body", content["schema"], after["content"][media]["schema"])


def _of_answers(documents: Documents, where: str, old: Json, new: Json) -> Iterator[str]:
    for status, answer in old["responses"].items():
        if not status.startswith("2"):
            continue
        newer = new["responses"].get(status)
        if newer is None:
            yield f"{where}: no longer answers {status}"
            continue
        for media, content in _follow(documents.old, answer).get("content", {}).items():
            found = _follow(documents.new, newer).get("content", {}).get(media)
            if found is None:
                yield f"{where} {status}: no longer {media}"
            else:
                yield from _shrunk(documents, f"{where} {status}", content["schema"], found["schema"], frozenset())


def _narrowed(
    documents: Documents, where: str, old: Json, new: Json, seen: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Values that were accepted and no longer are."""
    if old.get("$ref") in seen:
        return
    seen |= {old["$ref"]} if "$ref" in old else set()
    old, new = _follow(documents.old, old), _follow(documents.new, new)
    lost = _types(documents.old, old) - _types(documents.new, new)
    if lost and _types(documents.new, new):
        yield f"{where}: no longer takes {', '.join(sorted(lost))}"
    if "enum" in new and ("enum" not in old or set(old["enum"]) - set(new["enum"])):
        yield f"{where}: takes fewer values"
    if new.get("pattern") != old.get("pattern") and "pattern" in new:
        yield f"{where}: another pattern"
    yield from (f"{where}: tighter {n}" for n in _TIGHTER_IF_HIGHER if n in new and new[n] > old.get(n, float("-inf")))
    yield from (f"{where}: tighter {n}" for n in _TIGHTER_IF_LOWER if n in new and new[n] < old.get(n, float("inf")))
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{where}/{name}: is now required"
    for name, member in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _narrowed(documents, f"{where}/{name}", member, new["properties"][name], seen)
        elif new.get("additionalProperties") is False:
            yield f"{where}/{name}: no longer taken"
    if "items" in old and "items" in new:
        yield from _narrowed(documents, f"{where}/*", old["items"], new["items"], seen)


def _shrunk(documents: Documents, where: str, old: Json, new: Json, seen: frozenset[str]) -> Iterator[str]:
    """Members of answers that are no longer there, or hold something else."""
    if old.get("$ref") in seen:
        return
    seen |= {old["$ref"]} if "$ref" in old else set()
    old, new = _follow(documents.old, old), _follow(documents.new, new)
    added = _types(documents.new, new) - _types(documents.old, old)
    if added and _types(documents.old, old):
        yield f"{where}: may now be {', '.join(sorted(added))}"
    for name, member in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{where}/{name}: removed"
            continue
        if name in old.get("required", ()) and name not in new.get("required", ()):
            yield f"{where}/{name}: may now be absent"
        yield from _shrunk(documents, f"{where}/{name}", member, new["properties"][name], seen)
    if "items" in old and "items" in new:
        yield from _shrunk(documents, f"{where}/*", old["items"], new["items"], seen)


def _follow(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def _types(document: Json, schema: Json) -> set[str]:
    schema = _follow(document, schema)
    if "anyOf" in schema:
        return set[str]().union(*(_types(document, s) for s in schema["anyOf"]))
    kind = schema.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)


if __name__ == "__main__":
    found = breaking_changes(*(json.loads(Path(name).read_text()) for name in sys.argv[1:3]))
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.exit(bool(found))
