"""The console's languages: catalogues of ``locales``, read once, and which of them a reader gets."""

import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from babel.core import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

COOKIE = "woaas_language"


class Language(NamedTuple):
    """A language with its catalogue; messages are written in English."""

    code: str
    tag: str
    name: str
    short: str
    locale: Locale
    catalogue: NullTranslations


def language_of(cookie: str | None, accept_language: str) -> Language:
    """The reader's choice, else the best that his browser asks for, else English."""
    known = languages()
    if cookie in known:
        return known[cookie]
    wanted = [tag.replace("-", "_") for tag in _by_weight(accept_language)]
    found = negotiate_locale([part for tag in wanted for part in (tag, tag.partition("_")[0])], list(known))
    return known[found or "en"]


@cache
def languages() -> dict[str, Language]:
    """Every language by code."""
    return {
        "en": Language("en", "en", "English", "EN", Locale("en"), NullTranslations()),
        "zh": Language("zh", "zh-CN", "简体中文", "中", Locale.parse("zh_Hans_CN"), _read("zh")),
    }


def _read(code: str) -> Translations:
    text = files("woaas_api.console").joinpath(f"locales/{code}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale=code))
    compiled.seek(0)
    return Translations(compiled)


def _by_weight(header: str) -> Sequence[str]:
    """The tags of an Accept-Language header, best first; what cannot be read counts least."""
    weighted: list[tuple[float, str]] = []
    for item in header[:500].split(","):
        tag, _, rest = item.strip().partition(";")
        weight = rest.strip().removeprefix("q=")
        try:
            weighted.append((float(weight) if weight else 1.0, tag))
        except ValueError:
            weighted.append((0.0, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0]) if tag]
