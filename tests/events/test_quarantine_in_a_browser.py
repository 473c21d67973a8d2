"""The quarantine in a real browser: it works without scripts, and axe finds nothing on a page full of it."""

from typing import Any

import pytest

from events.models import Event
from tests.events.conftest import Publish, Send, event
from tests.registry.test_accessibility import DESK, PHONE, RULES, WIDTH, opened, session  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEEDS_X = {"type": "object", "required": ["x"]}


@pytest.fixture
def held(publish: Publish, send: Send) -> None:
    publish("shop.order.placed_by_a_partner", NEEDS_X, "1.0.0", strict=True)
    send(
        *(event("shop.order.placed_by_a_partner", metadata={}) for _ in range(3)), event("nobody"), event(...)
    )


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_its_pages_are_accessible_and_fit(live_server: Any, session: Any, theme: str, width: int) -> None:  # noqa: F811
    from axe_playwright_python.sync_playwright import Axe

    found: list[str] = []

    def look(page: Any) -> None:
        violations = Axe().run(page, options=RULES).response["violations"]
        found.extend(f"{page.url}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in violations)
        if page.evaluate(WIDTH) > width:
            found.append(f"{page.url} is too wide")

    with opened(live_server, session, theme, width) as page:
        page.goto("/violations/quarantine")
        look(page)
        page.get_by_role("link", name="nobody").first.click()
        look(page)
        page.get_by_role("button", name="Judge these 1 again").click()
        assert "1 of 1" in page.content()
        look(page)
    assert found == []


@pytest.mark.usefixtures("held")
def test_a_group_is_judged_again_without_scripts(live_server: Any, session: Any, publish: Publish) -> None:  # noqa: F811
    publish("shop.order.placed_by_a_partner", {"type": "object"}, "1.1.0")
    with opened(live_server, session, "light", DESK) as signed_in:
        page = signed_in.context.browser.new_context(
            base_url=live_server.url, java_script_enabled=False
        ).new_page()
        page.context.add_cookies([{**session, "url": live_server.url}])
        page.goto("/violations/quarantine")
        page.locator("a[href*='keyword=required']").click()
        page.get_by_role("button", name="Judge these 3 again").click()
        assert "3 of 3" in page.content()
        assert "completed" in page.content()
    assert Event.objects.count() == 3
