"""The small scripts in a real browser, each on a page of its own; no server is involved."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.require import require

STATIC = Path(__file__).parents[2] / "registry/static/registry"
HOST = "https://registry.test"
HEAD = '<!doctype html><script type="module" src="/static/registry/js/main.js"></script>'
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator:
    chromium = require("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-quic"]
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable]:
    """`open_page(body, {"/part": answer})`: a page with our scripts; an answer is HTML, a status, or a function."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], base_url=HOST)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))

    def open_it(body: str, answers: dict[str, Callable[[], str | int]] | None = None):
        def answer(route) -> None:
            path = route.request.url.removeprefix(HOST).partition("?")[0]
            if path.startswith("/static/registry/"):
                file = STATIC / path.removeprefix("/static/registry/")
                return route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
            given = (answers or {}).get(path, lambda: HEAD + body)()
            if isinstance(given, int):
                return route.fulfill(status=given)
            return route.fulfill(body=given, content_type="text/html; charset=utf-8")

        page.route("**/*", answer)
        page.goto("/")
        page.wait_for_function("'scripts' in document.documentElement.dataset")
        return page

    yield open_it
    context.close()
    assert problems == []


def test_copy_takes_the_text_of_what_it_names(open_page):
    page = open_page(
        '<pre id="a">{"x": 1}</pre><button data-behaviour="copy" data-copy-from="#a">Copy</button>'
    )
    page.click("button")
    page.wait_for_function("document.querySelector('button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == '{"x": 1}'
    page.wait_for_function("document.querySelector('button').textContent === 'Copy'")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[1.50,2e3,18446744073709551616],"b":{},"c":[],"d":"\\u0026 {[,:"}',
        '[[],[{}],{"a":null}]',
        '"text"',
        " 7 ",
    ],
)
def test_indenting_json_changes_space_only(open_page, text):
    page = open_page(
        '<textarea id="t"></textarea><button data-behaviour="json-format" data-target="#t">Format</button>'
    )
    page.fill("#t", text)
    page.click("button")
    formatted = page.input_value("#t")
    assert json.loads(formatted, parse_float=str, parse_int=str) == json.loads(
        text, parse_float=str, parse_int=str
    )
    assert formatted.strip() == json.dumps(json.loads(text), indent=2) or "1.50" in formatted


def test_indenting_refuses_what_is_no_json_and_leaves_it(open_page):
    page = open_page(
        '<textarea id="t">{"a": }</textarea><button data-behaviour="json-format" data-target="#t">Format</button>'
    )
    page.click("button")
    assert page.input_value("#t") == '{"a": }'
    assert page.evaluate("document.querySelector('#t').validity.customError")


def test_a_filter_sends_itself_and_keeps_empty_fields_out_of_the_address(open_page):
    page = open_page(
        '<form data-behaviour="autosubmit"><input name="q"><select name="s"><option value=""><option>b</select></form>'
    )
    page.select_option("select", "b")
    page.wait_for_url(f"{HOST}/?s=b")


def test_the_theme_is_kept_for_the_next_page(open_page):
    page = open_page('<button data-behaviour="theme">Dark</button>')
    page.emulate_media(color_scheme="light")
    page.click("button")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.get_attribute("button", "aria-pressed") == "true"
    assert "theme=dark" in page.evaluate("document.cookie")


def live(text: str, *, going_on: bool = True) -> str:
    bound = 'data-behaviour="live" data-url="/part" data-every="0.05"' if going_on else ""
    return f'<div id="live" {bound}><span>{text}</span><button data-behaviour="copy" data-copy="{text}">Copy</button></div>'


def test_a_live_part_replaces_itself_until_the_work_is_finished(open_page):
    asked: list[int] = []

    def part() -> str:
        asked.append(1)
        return live(str(len(asked)), going_on=len(asked) < 3)

    page = open_page(live("0"), {"/part": part})
    page.wait_for_function("document.querySelector('span').textContent === '3'")
    page.click("button")
    page.wait_for_function("document.querySelector('button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "3"
    assert len(asked) == 3


def test_a_live_part_survives_a_server_that_is_away_for_a_moment(open_page):
    answers = iter([500, 503])
    page = open_page(live("0"), {"/part": lambda: next(answers, None) or live("back", going_on=False)})
    page.wait_for_function("document.querySelector('span').textContent === 'back'")


def test_a_live_part_waits_while_a_confirmation_is_open(open_page):
    asked: list[int] = []
    dialog = '<button popovertarget="sure">Delete</button><div id="sure" popover>Sure?</div>'
    body = f'<div id="live" data-behaviour="live" data-url="/part" data-every="0.1">{dialog}</div>'
    answers = [body]

    def part() -> str:
        asked.append(1)
        return answers[-1]

    page = open_page(body, {"/part": part})
    page.click("button")
    page.wait_for_selector("#sure:popover-open")
    page.wait_for_timeout(500)  # whatever was under way when it opened has come back
    before = len(asked)
    page.wait_for_timeout(500)
    assert len(asked) == before
    answers.append('<div id="live">new</div>')
    page.keyboard.press("Escape")
    page.wait_for_function("document.querySelector('#live').textContent === 'new'")
