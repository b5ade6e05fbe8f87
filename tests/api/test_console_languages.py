"""The console's two languages: nothing untranslated, and the reader gets his own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from fixtures.app import Tenant
from fixtures.console import browser, markup, signed_in, submit, token

import woaas_api.console
from woaas_api.console.event_names import EVENTS, event_name
from woaas_api.console.languages import language_of
from woaas_core.events.envelope import event_types

HOME = Path(woaas_api.console.__file__).parent
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def messages() -> Iterator[str]:
    """Every message of templates and modules."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
    options = {"templates/**.html": {"silent": "false", "extensions": "jinja2.ext.do"}}
    keywords = {**dict.fromkeys(("_", "gettext", "N_", "translate", "text")), "ngettext": (1, 2)}
    for _, _, message, _, _ in extract_from_dir(HOME, methods, options, keywords):
        # Plural forms are found under their singular.
        yield message[0] if isinstance(message, tuple) else message


def catalogue() -> dict[str, str]:
    """The Chinese catalogue."""
    with (HOME / "locales/zh.po").open("rb") as file:
        return {_first(m.id): _first(m.string) for m in read_po(file, locale="zh") if m.id}


def _first(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


class TestCatalogue:
    def test_every_message_is_translated(self) -> None:
        found = set(messages())
        assert len(found) > 300
        assert sorted(m for m in found if not catalogue().get(m)) == []

    def test_nothing_is_left_from_messages_that_are_gone(self) -> None:
        assert sorted(set(catalogue()) - set(messages())) == []

    def test_every_type_of_event_has_a_name(self) -> None:
        ours = {kind.name for kind in event_types() if not kind.name.startswith("test_")}
        assert sorted(ours - set(EVENTS)) == []
        assert event_name("audit_entry.observed") == "Audit log read"
        assert event_name("work_order.observed") == "Restricted fields read"

    def test_placeholders_survive(self) -> None:
        for message, translated in catalogue().items():
            assert set(_PLACEHOLDER.findall(message)) == set(_PLACEHOLDER.findall(translated)), message


class TestChoice:
    @pytest.mark.parametrize(
        ("cookie", "header", "code"),
        [
            (None, "", "en"),
            (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
            (None, "zh-Hant-TW", "zh"),
            (None, "de-DE,en;q=0.5,zh;q=0.1", "en"),
            (None, "en;q=0.1,zh;q=0.9", "zh"),
            (None, ";;;q=x,,", "en"),
            ("zh", "en", "zh"),
            ("xx", "zh", "zh"),
        ],
    )
    def test_the_cookie_wins_then_the_browser(self, cookie: str | None, header: str, code: str) -> None:
        assert language_of(cookie, header).code == code

    @pytest.mark.anyio
    async def test_the_switch_is_kept(self, factory: Tenant) -> None:
        async with browser(factory) as client:
            answer = await submit(
                client, "/console/language", "/console/sign-in", language="zh", next="/console/sign-in"
            )
            assert answer.headers["location"] == "/console/sign-in"
            page = await client.get("/console/sign-in")
        assert markup(page).language == "zh-CN"
        assert "登录" in page.text

    @pytest.mark.anyio
    async def test_notices_speak_it_too(self, factory: Tenant) -> None:
        async with signed_in(factory, **{"Accept-Language": "zh-CN"}) as client:
            form = {"form_token": await token(client, "/console/orders/new"), "product": "P", "quantity": "2"}
            answer = await client.post("/console/orders/new", data=form)
            text = (await client.get(answer.headers["location"])).text
        assert "已录入" in text
        assert "接单" not in text  # a draft has no stage yet
        assert "草稿" in text
