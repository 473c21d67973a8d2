"""Every page that needs no id, in a real browser: axe finds nothing, nothing overflows, nothing is blocked."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from tests.conftest import Person
from tests.require import require

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
NOT_PAGES = ("admin/", "api/", "healthz", "readyz", "logout", "metrics", "v1/")
PHONE, DESK = 420, 1360
POST_ONLY = 405


def _addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        elif "<" not in address and not address.startswith(NOT_PAGES):
            yield f"/{address}"


@pytest.fixture
def session(owner: Person) -> dict[str, str]:
    """The cookie of somebody who may see every page."""
    value = owner.browser.cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": value}


WIDTH = "document.documentElement.scrollWidth"


@contextmanager
def opened(live_server, session, theme, width):
    """A page of somebody who is signed in."""
    from playwright.sync_api import sync_playwright

    chromium = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-quic"]
        )
        context = browser.new_context(
            base_url=live_server.url,
            color_scheme=theme,
            viewport={"width": width, "height": 900},
        )
        context.add_cookies([{**session, "url": live_server.url}])
        yield context.new_page()
        browser.close()


@pytest.mark.timeout(300)  # every page of the product, twice
@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_every_page_is_accessible_and_fits(live_server, session, theme, width):
    from axe_playwright_python.sync_playwright import Axe

    found: list[str] = []
    with opened(live_server, session, theme, width) as page:
        page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: found.append(str(error)))
        for address in sorted(set(_addresses(get_resolver().url_patterns))):
            answer = page.request.get(address)
            if answer.status == POST_ONLY:
                continue
            if answer.status != 200:
                found.append(f"{address} answers {answer.status}")
                continue
            page.goto(address)
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [f"{address}: {v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in violations]
            if (overflow := page.evaluate(WIDTH) - width) > 0:
                found.append(f"{address} is {overflow} px too wide")
    assert found == []


LONG = "x" * 600


def test_a_version_of_very_long_values_fits_a_phone(live_server, session, publish):
    """What was changed, the counterexample, the risk and the messages all hold the long value."""
    const = {"type": "object", "required": ["a"], "properties": {"a": {"const": LONG}}}
    wider = {**const, "properties": {"a": {"enum": [LONG, LONG + "y"]}, "b" * 200: {"type": "string"}}}
    other = {**const, "properties": {"a": {"enum": [LONG + "y"]}}}
    publish("long.values", const)
    publish("long.values", wider)
    publish("long.values", other, semver="2.0.0")
    with opened(live_server, session, "light", PHONE) as page:
        for number in (1, 2, 3):
            page.goto(f"/subjects/long.values/versions/{number}")
            assert page.get_by_text("Verdict").count()
            assert page.evaluate(WIDTH) == PHONE
