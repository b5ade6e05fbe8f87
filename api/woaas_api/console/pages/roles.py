"""Roles: who can see what, field by field, and the tenant's own rules about it."""

from woaas_api.console.forms import given
from woaas_api.console.page import JSON, Notice, Outcome, Page, SeeOther, Shown, page
from woaas_api.console.pages.members import chosen
from woaas_api.subjects import REGISTRY
from woaas_security.authz.explanation import explain

HERE = "/console/roles"


@page("GET", "/roles", needs=("GET /roles", "GET /field-policies"))
async def show_roles(page: Page) -> Outcome:
    """One kind of object: every field by every role."""
    roles = (await page.get("/roles"))["data"]
    policies = (await page.get("/field-policies", {"limit": "200"}))["data"] if page.sees("field_policy", "id") else []
    name = page.query.get("resource", "work_order")
    resource = REGISTRY.get(name, REGISTRY["work_order"])
    policy = page.user[0].policy
    columns = [role["code"] for role in roles if not role.get("archived_at")]
    held = {code: frozenset({code}) for code in columns}
    seen = {c: explain(policy.access(r, resource), policy, r, names_lines=True) for c, r in held.items()}
    values = {
        "roles": roles,
        "columns": columns,
        "resource": resource.name,
        "resources": sorted(REGISTRY),
        "cells": [(field.name, [_cell(seen[code], field.name) for code in columns]) for field in resource.fields],
        "actions": [(name, [name in seen[code]["actions"] for code in columns]) for name in sorted(resource.actions)],
        "policies": [p for p in policies if p.get("resource") == resource.name],
        "place": "roles",
    }
    return Shown("roles/roles.html", values)


@page("POST", "/roles", needs=("PUT /roles/{code}",))
async def make(page: Page) -> Outcome:
    """Make a role of the tenant's own from built-in ones."""
    code = page.form.get("code", "").strip()
    known = next((r for r in (await page.get("/roles"))["data"] if r["code"] == code), None)
    # What else a role of this code may do is kept: the form tells of its name and of what it inherits.
    permissions = known["permissions"] if known else []
    body = {"name": page.form.get("name", ""), "inherits": chosen(page, "inherits"), "permissions": permissions}
    await page.put(f"/roles/{code}", body)
    return SeeOther(HERE, Notice(page.text("The role is set.")))


@page("POST", "/roles/{code:str}/archive", needs=("POST /roles/{code}/archive",))
async def archive(page: Page, code: str) -> Outcome:
    """Retire a role of the tenant's own."""
    await page.post(f"/roles/{code}/archive", {})
    return SeeOther(HERE, Notice(page.text("The role is retired.")))


@page("POST", "/field-policies", needs=("PUT /field-policies",))
async def decide(page: Page) -> Outcome:
    """Set how far a role gets with a field."""
    names = ("resource", "field", "role", "access", "data_class")
    await page.put("/field-policies", given(**{name: page.form.get(name, "").strip() for name in names}))
    return SeeOther(f"{HERE}?resource={page.form.get('resource', '')}", Notice(page.text("The rule is in force.")))


@page("POST", "/field-policies/{key:str}/delete", needs=("DELETE /field-policies/{id}",))
async def forget(page: Page, key: str) -> Outcome:
    """Take a rule away."""
    await page.delete(f"/field-policies/{key}")
    return SeeOther(f"{HERE}?resource={page.form.get('resource', '')}", Notice(page.text("The rule is gone.")))


def _cell(said: JSON, field: str) -> tuple[str, str]:
    """How far a role gets with a field, and the lines that keep it from more."""
    level = "none"
    for name, members in (("masked", "masked"), ("read", "readable"), ("write", "writable")):
        level = name if field in said.get(members, ()) else level
    lines = said["hidden"].get(field, [])
    return level, "; ".join(f"{line['role']}: {line['resource']}.{line['field']}" for line in lines)


PAGES = (show_roles, make, archive, decide, forget)
