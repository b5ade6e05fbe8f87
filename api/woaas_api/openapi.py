"""The OpenAPI 3.1 document, written from the routes: what is served is what is described.

The committed copy is ``api/openapi.json``; a contract test holds the two together.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from woaas_api.endpoint import Route
from woaas_api.problems import MEDIA_TYPE

COMMITTED = Path(__file__).parent.parent / "openapi.json"

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_REFERENCE = "#/components/{}/{}"

_LIST_PARAMETERS: dict[str, Json] = {
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "description": "Page size"},
    "cursor": {"schema": _TEXT, "description": "`next_cursor` of the page before; everything else must stay the same"},
    "sort": {"schema": _TEXT, "description": "Fields, separated by commas; `-` before one sorts it downwards"},
    "q": {"schema": {**_TEXT, "maxLength": 200}, "description": "Text to look for in codes, numbers and names"},
    "fields": {"schema": _TEXT, "description": "Only these fields, separated by commas"},
    "expand": {"schema": _TEXT, "description": "Parts to include, separated by commas"},
    "filters": {
        "schema": {"type": "object", "additionalProperties": _TEXT},
        "style": "form",
        "explode": True,
        "description": (
            "Any readable field as a parameter of its own: `state=running,held`, `due_at[lt]=…` "
            "(`eq ne lt lte gt gte in`), `custom_fields.mould_no=M-17`"
        ),
    },
}
_HEADER_PARAMETERS: dict[str, tuple[str, str, Json]] = {
    "IdempotencyKey": (
        "Idempotency-Key",
        "Repeating a request with its key repeats its answer, not its effect",
        {**_TEXT, "minLength": 1, "maxLength": 255},
    ),
    "IfMatch": ("If-Match", "Only if the object still has this ETag", _TEXT),
    "IfNoneMatch": ("If-None-Match", "On GET: 304 if the answer still has this ETag; `*` on PUT: only create", _TEXT),
    "WoaasAfter": ("Woaas-After", "Wait until the effects of this event (`Woaas-Event-Id`) are in", _TEXT),
}
_RESPONSE_HEADERS: dict[str, tuple[str, Json]] = {
    "ETag": ("Validator of what you see", _TEXT),
    "Location": ("Where the object is found", _TEXT),
    "Woaas-Event-Id": ("The last event this request recorded", _TEXT),
    "X-Request-Id": ("Name it when you ask us about this request", _TEXT),
    "RateLimit-Limit": ("Requests a minute", {"type": "integer"}),
    "RateLimit-Remaining": ("Requests left", {"type": "integer"}),
    "RateLimit-Reset": ("Seconds until all are back", {"type": "integer"}),
    "RateLimit-Policy": ("The budgets of the key and of its tenant: tokens `q` in a window of `w` seconds", _TEXT),
    "Retry-After": ("Seconds to wait", {"type": "integer"}),
}
_PROBLEMS = {
    "400": "The request, a parameter, a filter or a cursor cannot be read",
    "401": "Credentials are missing or not valid",
    "403": "Your role does not allow this",
    "404": "Missing, or not yours to see",
    "409": "The present state does not admit this",
    "412": "The object has changed since you read it",
    "413": "The body is too large",
    "415": "Only application/json is read",
    "422": "The payload breaks a rule; `errors` points at the places",
    "429": "Too many requests",
    "503": "Not ready yet; repeat after `Retry-After`",
}


def document() -> Json:
    """The document of this version of the code."""
    from woaas_api.app import ROUTES  # noqa: PLC0415 - the page that serves the document is itself wired there

    return build(ROUTES)


@lru_cache(maxsize=1)
def rendered() -> bytes:
    """The document as it is served and committed: sorted, indented, always the same bytes."""
    return (json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def committed() -> bytes:
    """The committed document; an installed package carries none and writes its own."""
    return COMMITTED.read_bytes() if COMMITTED.exists() else rendered()


def build(routes: Iterable[Route]) -> Json:
    """The document of some routes."""
    routes = list(routes)
    bodies = [r.body for r in routes if r.body is not None]
    views = [r.returns for r in routes if _is_json(r)]
    unique = list(dict.fromkeys([*bodies, *views]))
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    for component in components.values():
        _mark_times(component)
        _translate_patterns(component)
    schema_of = dict(zip(unique, schemas, strict=True))
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, routes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "WOaaS",
            "version": version("woaas-server"),
            "summary": "Work orders as a service",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in dict.fromkeys(r.tag for r in routes)],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _problem_schema()},
            "parameters": _parameters(),
            "headers": {n: {"description": d, "schema": s} for n, (d, s) in _RESPONSE_HEADERS.items()},
            "responses": {f"Problem{s}": _problem_response(s, d) for s, d in _PROBLEMS.items()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`woaas_live_…`) or an access token",
                },
                "oauth": {"type": "openIdConnect", "openIdConnectUrl": "/.well-known/openid-configuration"},
            },
        },
    }


def _operation(route: Route, schema_of: dict[Any, Json], routes: list[Route]) -> Json:
    found: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _operation_parameters(route, routes),
        "responses": _responses(route, schema_of, routes),
    }
    if route.description:
        found["description"] = route.description
    if route.reads_bytes:
        # An empty file is one, too.
        found["requestBody"] = {"required": False, "content": {"application/octet-stream": {"schema": {}}}}
    elif route.body is not None:
        # A body whose members are all optional may be left out.
        content = {"application/json": {"schema": schema_of[route.body]}}
        required = any(f.required for f in msgspec.structs.fields(route.body))
        found["requestBody"] = {"required": required, "content": content}
    return found


def _operation_parameters(route: Route, routes: list[Route]) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT, "description": _path_description(route, name)}
        for name in route.parameters
    ]
    found += [
        {"name": q.name, "in": "query", "required": q.is_required, "schema": {"type": q.type},
         "description": q.description}
        for q in route.query
    ]  # fmt: skip
    found += [_ref("parameters", name) for name in route.paging]
    if route.is_safe:
        found += [_ref("parameters", name) for name in ("WoaasAfter", "IfNoneMatch")]
    if route.method == "POST":
        found.append(_ref("parameters", "IdempotencyKey"))
    if _changes_one(route, routes):
        found.append(_ref("parameters", "IfMatch"))
    if route.method == "PUT":
        found.append(_ref("parameters", "IfNoneMatch"))
    return found


def _path_description(route: Route, name: str) -> str:
    if name == "code":
        return "Code or id"
    return "Id or number" if name == "key" and route.path.startswith("/v1/work-orders/") else "Id"


def _changes_one(route: Route, routes: list[Route]) -> bool:
    """Whether it changes an object that has an ETag to match: PUT, PATCH and the commands below a readable one."""
    if route.method != "POST":
        return route.method in ("PUT", "PATCH")
    home = route.path.rpartition("/")[0]
    return route.status == 200 and any(r.is_safe and r.parameters and r.path == home for r in routes)


def _responses(route: Route, schema_of: dict[Any, Json], routes: list[Route]) -> Json:
    headers = {n: _ref("headers", n) for n in ("X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining",
                                               "RateLimit-Reset", "RateLimit-Policy")}  # fmt: skip
    if route.status != 204:
        headers["ETag"] = _ref("headers", "ETag")
    if not route.is_safe:
        headers["Woaas-Event-Id"] = _ref("headers", "Woaas-Event-Id")
    if route.status in (201, 202):
        headers["Location"] = _ref("headers", "Location")
    done: Json = {"description": _OUTCOME.get(route.status, "Done"), "headers": headers}
    if route.status != 204:
        done["content"] = {media: {"schema": _answer_schema(route, schema_of)} for media in _media(route)}
    links = _links(route, routes)
    if links:
        done["links"] = links
    found: Json = {str(route.status): done}
    for status in route.also:
        found_at = {"Location": _ref("headers", "Location")} if status in (201, 202) else {}
        found[str(status)] = {**done, "description": _OUTCOME[status], "headers": {**headers, **found_at}}
    if route.method == "PUT":
        found["201"] = {**done, "description": _OUTCOME[201],
                        "headers": {**headers, "Location": _ref("headers", "Location")}}  # fmt: skip
    if route.status == 201 and "external_ref" in getattr(route.body, "__struct_fields__", ()):
        found["200"] = {**done, "description": "The object that was made under this external_ref before"}
    if route.is_safe:
        found["304"] = {"description": "Still as `If-None-Match` names it"}
    return {**found, **{status: _ref("responses", f"Problem{status}") for status in _problems_of(route, routes)}}


_OUTCOME = {200: "Done", 201: "Created", 202: "Accepted; `Location` shows how far it is", 204: "Done",
            206: "The bytes that `Range` asked for"}  # fmt: skip


def _problems_of(route: Route, routes: list[Route]) -> list[str]:
    statuses = ["400", "401", "403", "404", "429", "503"]
    if not route.is_safe:
        statuses += ["409", "413", "415", "422"]
    if _changes_one(route, routes):
        statuses.append("412")
    return sorted(statuses)


def _answer_schema(route: Route, schema_of: dict[Any, Json]) -> Json:
    if not _is_json(route):
        return _TEXT
    one = schema_of[route.returns]
    if not route.is_list:
        return one
    return {
        "type": "object",
        "required": ["data", "next_cursor"],
        "properties": {
            "data": {"type": "array", "items": one},
            "next_cursor": {"type": ["string", "null"], "description": "null on the last page"},
        },
    }


def _links(route: Route, routes: list[Route]) -> Json:
    """From a POST to what shows its effect: the readings of the object it answers with, else of where it was sent."""
    if route.method != "POST":
        return {}
    homes = {
        r.path
        for r in routes
        if r.is_safe and not r.is_list and r.returns is route.returns and re.fullmatch(r"[^{]+/{\w+}", r.path)
    }
    if homes:
        return {
            r.name: {"operationId": r.name, "parameters": {r.parameters[0]: "$response.body#/id"}}
            for r in routes
            if r.is_safe and len(r.parameters) == 1 and any(r.path == h or r.path.startswith(f"{h}/") for h in homes)
        }
    around = [r for r in routes if r.is_safe and f"{route.path}/".startswith(f"{r.path}/")]
    if around:
        nearest = max(around, key=lambda r: len(r.path))
        places = {name: f"$request.path.{name}" for name in nearest.parameters}
    else:
        # It is only in lists, of what it names as its own: operations/{key}/reports by its operation_id.
        nearest = next(r for r in routes if r.is_list and r.returns is route.returns)
        places = {n: f"$response.body#/{nearest.path.split('/')[2].removesuffix('s')}_id" for n in nearest.parameters}
    return {nearest.name: {"operationId": nearest.name, "parameters": places}}


def _parameters() -> Json:
    found: Json = {n: {"name": n, "in": "query", "required": False, **d} for n, d in _LIST_PARAMETERS.items()}
    for key, (name, description, schema) in _HEADER_PARAMETERS.items():
        found[key] = {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
    return found


def _problem_response(status: str, description: str) -> Json:
    headers = ["X-Request-Id", *(["Retry-After"] if status in ("429", "503") else [])]
    return {
        "description": description,
        "headers": {n: _ref("headers", n) for n in headers},
        "content": {MEDIA_TYPE: {"schema": _ref("schemas", "Problem")}},
    }


def _problem_schema() -> Json:
    place = {"type": "object", "required": ["pointer", "code", "detail"],
             "properties": {"pointer": {**_TEXT, "description": "JSON Pointer into the body"}, "code": _TEXT,
                            "detail": _TEXT}}  # fmt: skip
    return {
        "type": "object",
        "title": "Problem",
        "description": "RFC 9457; `state` and `allowed_commands` come with a 409 about a command.",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "properties": {
            **dict.fromkeys(("type", "title", "detail", "instance", "request_id", "state"), _TEXT),
            "status": {"type": "integer"},
            "code": {**_TEXT, "description": "`/problems/<code>` says what to do"},
            "errors": {"type": "array", "items": place},
            "allowed_commands": {"type": "array", "items": _TEXT},
        },
    }


def _mark_times(schema: Json) -> None:
    """Say of members that are times what the bare types of answers do not: their names end in ``_at``."""
    for name, member in schema.get("properties", {}).items():
        if name.endswith("_at") or name in ("at", "time"):
            for one in member.get("anyOf", [member]):
                if one.get("type") == "string":
                    one["format"] = "date-time"


def _translate_patterns(schema: Any) -> None:
    r"""Write patterns the way JSON Schema's dialect does: ``\w`` there is ASCII alone and ``$`` is the very end."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            schema["pattern"] = schema["pattern"].replace(r"\w", r"\p{L}\p{N}_").replace(r"$(?!\n)", "$")
        for member in schema.values():
            _translate_patterns(member)
    elif isinstance(schema, list):
        for member in schema:
            _translate_patterns(member)


def _is_json(route: Route) -> bool:
    return route.status != 204 and route.media_type == "application/json"


def _media(route: Route) -> list[str]:
    return [media.partition(";")[0] for media in (route.media_type, *route.also_media)]


def _ref(kind: str, name: str) -> Json:
    return {"$ref": _REFERENCE.format(kind, name)}
