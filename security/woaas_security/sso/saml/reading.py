"""Reading XML of strangers: everything unusual is refused, since it is by the unusual that SAML has been broken.

Only the process that reads XML imports this.
"""

import re
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
META = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 40
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_ID_NAMES = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")


class Refused(Exception):
    """What was read is not believed; the text says why."""


class _Builder(TreeBuilder):
    """Refuses what no provider has to write; comments have been used to cut names in two."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: Any, attrs: Any) -> Element:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            msg = "It is nested too deeply."
            raise Refused(msg)
        return super().start(tag, attrs)

    def end(self, tag: Any) -> Element:
        self._depth -= 1
        return super().end(tag)

    def comment(self, _text: str | None) -> Element:
        msg = "It has a comment in it."
        raise Refused(msg)

    def pi(self, _target: str, _text: str | None = None) -> Element:
        msg = "It has a processing instruction in it."
        raise Refused(msg)


def tree_of(text: bytes) -> Element:
    """The root of a document in UTF-8 without DTD, entities, comments and processing instructions.

    Raises:
        Refused: any other, too long, too deep, or with one ID twice.
    """
    if len(text) > MAX_BYTES:
        msg = "It is too long."
        raise Refused(msg)
    declared = _ENCODING.match(text)
    # Another reader of the same bytes must not take them for another text.
    if (declared and declared[1].lower() != b"utf-8") or b"\0" in text or text.startswith(b"\xef\xbb\xbf"):
        msg = "It is not in UTF-8."
        raise Refused(msg)
    parser = DefusedXMLParser(target=_Builder(), encoding="utf-8", forbid_dtd=True)
    try:
        text.decode("utf-8")
        parser.feed(text)
        root: Element = parser.close()
    except DefusedXmlException:
        msg = "It has a document type or entities."
        raise Refused(msg) from None
    except (ParseError, ValueError):
        msg = "It is not XML."
        raise Refused(msg) from None
    ids = [element.attrib[name] for element in root.iter() for name in _ID_NAMES if name in element.attrib]
    if len(ids) != len(set(ids)):
        msg = "It has one ID twice."
        raise Refused(msg)
    return root


def the_one(parent: Element, tag: str) -> Element:
    """The only child of that name.

    Raises:
        Refused: there is none, or more.
    """
    found = parent.findall(tag)
    if len(found) != 1:
        msg = f"It has {len(found)} {tag.rpartition('}')[2]} where there is one."
        raise Refused(msg)
    return found[0]


def text_of(element: Element) -> str:
    """The text of an element that has nothing else in it."""
    if len(element):
        msg = f"{element.tag.rpartition('}')[2]} is no plain text."
        raise Refused(msg)
    return (element.text or "").strip()


def instant_of(text: str | None) -> float:
    """A time as SAML writes it, in UTC, as seconds since 1970."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.utcoffset() != UTC.utcoffset(None):
        msg = "A time is missing, or not one in UTC."
        raise Refused(msg)
    return found.timestamp()
