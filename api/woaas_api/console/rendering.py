"""Templates to HTML: two Jinja environments, one a language, and the filters that pages write values with."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from babel.units import format_unit
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from woaas_api.console.event_names import event_name
from woaas_api.console.languages import Language, languages
from woaas_api.console.navigation import places
from woaas_api.console.page import Page, Shown
from woaas_api.console.protection import TOKEN_FIELD
from woaas_api.console.vocabulary import COMMANDS, OPERATION_COMMAND_WORDS, tone, word
from woaas_api.static_files import StaticFiles
from woaas_core.durations import parse_duration
from woaas_core.errors import DomainError

_UNITS = (("duration-day", 86_400), ("duration-hour", 3_600), ("duration-minute", 60), ("duration-second", 1))


class Renderer:
    """Draws pages and failures in every language."""

    def __init__(self, files: StaticFiles) -> None:
        self._environments = {code: _environment(language, files) for code, language in languages().items()}

    def page(self, page: Page, shown: Shown, *, token: str, notice: Mapping[str, Any] | None) -> str:
        """A page, or the part of it that htmx asked for, as the template decides."""
        write = _Writer(page.language, page.zone, page.now)
        return (
            self._environments[page.language.code]
            .get_template(shown.template)
            .render(
                page=page,
                me=page.me,
                places=places(page) if page.me else [],
                notice=notice,
                language=page.language,
                form_token=Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN_FIELD, token),
                here=_path_of(page),
                write=write,
                **shown.values,
            )
        )

    def failure(self, error: DomainError, language: Language, request_id: str) -> str:
        """A page about an error."""
        return self.bare("failure.html", language, error=error, request_id=request_id)

    def bare(self, template: str, language: Language, **values: object) -> str:
        """A page that needs neither a reader nor a form."""
        return self._environments[language.code].get_template(template).render(language=language, **values)


class _Writer:
    """Writes times in the tenant's zone and everything in the reader's language."""

    def __init__(self, language: Language, zone: ZoneInfo, now: datetime) -> None:
        self._language = language
        self._zone = zone
        self.now = now

    def time(self, value: object) -> Markup:
        """An instant; the year only where it is another one."""
        return self._moment(value, "Hm")

    def local(self, value: object) -> str:
        """A moment as ``<input type=datetime-local>`` takes it; of nothing, nothing."""
        at = _instant(value)
        return "" if at is None else at.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M")

    def day(self, value: object) -> Markup:
        """The date of an instant."""
        return self._moment(value, "")

    def _moment(self, value: object, clock: str) -> Markup:
        at = _instant(value)
        if at is None:
            return Markup('<span class="none">–</span>')
        local = at.astimezone(self._zone)
        is_this_year = local.year == self.now.astimezone(self._zone).year
        parts = ["MMMd" if is_this_year else "yMMMd", *([clock] if clock else [])]
        text = " ".join(format_skeleton(p, local, tzinfo=self._zone, locale=self._language.locale) for p in parts)
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), text)

    def away(self, value: object) -> str:
        """How far off an instant is, without a direction: "3 days"."""
        at = _instant(value)
        distance = abs(at - self.now) if at else timedelta(0)
        return format_timedelta(distance, locale=self._language.locale, threshold=2)

    def is_past(self, value: object) -> bool:
        """Whether an instant lies behind."""
        at = _instant(value)
        return at is not None and at < self.now

    def number(self, value: object) -> str:
        """A quantity as the language groups and points it."""
        return "–" if value is None else format_decimal(Decimal(str(value)), locale=self._language.locale)

    def size(self, value: object) -> str:
        """A number of bytes in the unit that leaves few digits."""
        amount, unit = Decimal(str(value)), "byte"
        for larger in ("kilobyte", "megabyte", "gigabyte"):
            if amount >= 1000:
                amount, unit = amount / 1000, larger
        locale = self._language.locale
        return format_unit(amount, f"digital-{unit}", "short", format="#,##0.#", locale=locale)

    def percent(self, value: object) -> str:
        """A share of one."""
        return format_percent(Decimal(str(value)), format="#,##0.#%", locale=self._language.locale)

    def money(self, value: Mapping[str, str] | None) -> str:
        """An amount with its currency; unit prices keep their digits."""
        if not value:
            return "–"
        amount = Decimal(value["amount"])
        return format_currency(amount, value["currency"], locale=self._language.locale, decimal_quantization=False)

    def minutes(self, value: object) -> str:
        """A figure of a plan, which counts minutes, as days and hours."""
        return self.duration(timedelta(minutes=float(str(value)))) if value is not None else "–"

    def duration(self, value: object) -> str:
        """An ISO 8601 duration in its two largest units."""
        if value is None:
            return "–"
        span = value if isinstance(value, timedelta) else parse_duration(str(value))
        rest = int(span.total_seconds())
        parts = []
        for unit, seconds in _UNITS:
            count, rest = divmod(rest, seconds)
            if count:
                parts.append(format_unit(count, unit, "short", locale=self._language.locale))
        return " ".join(parts[:2]) or "0"


def _environment(language: Language, files: StaticFiles) -> Environment:
    environment = Environment(
        loader=PackageLoader("woaas_api.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.install_gettext_translations(language.catalogue, newstyle=True)  # type: ignore[attr-defined]
    translate: Callable[[str], str] = language.catalogue.gettext
    environment.globals.update(
        asset=files.url,
        has_asset=lambda name: files.find(name) is not None,
        masked=partial(_masked, translate),
        language_choices=list(languages().values()),
    )
    environment.filters.update(
        word=lambda value: translate(word(value)),
        tone=tone,
        command=lambda name: translate(COMMANDS[name]) if name in COMMANDS else name,
        operation_command=lambda name: translate(OPERATION_COMMAND_WORDS[name]),
        event=lambda name: translate(event_name(name)),
        say=translate,
        short=_short,
    )
    return environment


def _masked(translate: Callable[[str], str], row: Mapping[str, Any], name: str) -> Markup | None:
    """What stands for a masked value; None where the value itself may be shown."""
    if f"/{name}" not in row.get("masked_fields", ()):
        return None
    return Markup('<span class="masked" title="{}">•••</span>').format(
        translate("No permission: %(field)s") % {"field": name}
    )


def _short(identifier: str) -> str:
    """An id as people compare them: its kind and its last characters."""
    prefix, _, body = identifier.partition("_")
    return f"{prefix}_…{body[-6:]}" if body else identifier


def _instant(value: object) -> datetime | None:
    if isinstance(value, str) and value:
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else None


def _path_of(page: Page) -> str:
    url = page.request.url
    return url.path + (f"?{url.query}" if url.query else "")
