"""Pages of the catalogue that need a subject, in a real browser: axe finds nothing, nothing overflows, with long values too."""

import json

import pytest
from django.conf import settings

from registry.publish import publish_version
from tests.registry.test_accessibility import DESK, PHONE, RULES
from tests.require import require

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "x" * 400
FIRST = {
    "type": "object",
    "title": "Order",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "description": LONG, "maxLength": 9_000},
        f"a_{LONG[:200]}": {"enum": [LONG, None]},
        "lines": {"type": "array", "items": {"$ref": "#"}},
    },
}
SECOND = {**FIRST, "properties": {**FIRST["properties"], "id": {"type": "string", "maxLength": 500}}}
PAGES = (
    "/subjects?q=orders",
    "/subjects/orders",
    "/subjects/orders/versions/2",
    "/subjects/orders/versions/compare",
    "/subjects/orders/versions/compare?old=2&new=1",
    "/subjects/orders/versions/1/similar",
    "/search?q=order+field:id:string",
    "/search?q=colour:red",
    "/search?q=nothing",
    "/declared-changes?kind=all",
)


@pytest.fixture
def catalogue(owner, settings):
    settings.UPLOAD_JUDGES = []
    declared = {"properties": {"declared_change": "addition", "schemaver": "1-0-1"}}
    for subject in ("orders", "bills"):
        publish_version(actor=owner.actor, subject=subject, schema=json.dumps(FIRST))
        publish_version(
            actor=owner.actor, subject=subject, schema=json.dumps(SECOND), semver="2.0.0", metadata=declared
        )


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_every_page_is_accessible_and_fits(live_server, catalogue, owner, theme, width):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    session = owner.browser.cookies[settings.SESSION_COOKIE_NAME].value
    found: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=require("chromium"), args=["--no-sandbox", "--disable-quic"]
        )
        context = browser.new_context(
            base_url=live_server.url, color_scheme=theme, viewport={"width": width, "height": 900}
        )
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: found.append(str(error)))
        for address in PAGES:
            page.goto(address)
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [f"{address}: {v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in violations]
            overflow = page.evaluate("document.documentElement.scrollWidth") - width
            if overflow > 0:
                found.append(f"{address} is {overflow} px too wide")
        browser.close()
    assert found == []
