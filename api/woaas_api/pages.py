"""The two pages for developers: the API reference and the graph explorer, both without a word to the outside."""

from html import escape

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from woaas_api import openapi
from woaas_api.answers import RawResponse
from woaas_api.static_files import StaticFiles

# Both libraries set style attributes; scripts come from this server's files and nowhere else.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
<style>html, body {{ margin: 0; height: 100% }} #{place} {{ min-height: 100% }} #explorer {{ height: 100vh }}</style>
</head>
<body>
<div id="{place}">{before}</div>
<script src="{script}"></script>
</body>
</html>
"""
_MISSING = "The browser libraries are not bundled yet: run <code>bash api/bundle.sh</code> and start again."


def page_handlers(files: StaticFiles) -> list[HTTPRouteHandler]:
    """``/docs``, ``/openapi.json`` and the files they need."""

    @get("/docs", include_in_schema=False)
    async def docs() -> RawResponse:
        return library_page(files, "docs", "WOaaS API reference")

    @get("/openapi.json", include_in_schema=False)
    async def document() -> RawResponse:
        return Response(openapi.committed(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    return [docs, document, files.handler()]


def library_page(files: StaticFiles, name: str, title: str) -> RawResponse:
    """A page that one bundled library fills."""
    script, style = f"dist/{name}.js", f"dist/{name}.css"
    text = _PAGE.format(
        title=escape(title),
        style=files.url(style),
        script=files.url(script),
        place=name,
        before="" if files.find(script) else _MISSING,
    )
    headers = {
        "Content-Security-Policy": CONTENT_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(text.encode(), media_type="text/html", headers=headers)
