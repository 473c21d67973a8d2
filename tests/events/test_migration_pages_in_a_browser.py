"""The pages of migrations in a real browser: what stored events become stands beside the steps, and axe finds nothing."""

import json
from typing import Any

import pytest

from tests.events.conftest import Publish, Send
from tests.events.test_migrations import UP, V1, V2, old
from tests.registry.test_accessibility import DESK, PHONE, RULES, WIDTH, opened, session  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EVENT = "shown-" + "1" * 60
NEW = "/subjects/order.placed/migrations/new"


@pytest.fixture
def versions(publish: Publish, send: Send) -> None:
    publish("order.placed", V1, "1.0.0")
    publish("order.placed", V2, "2.0.0")
    send(old(event_id=EVENT, metadata={"amount": 7, "note": "x" * 200, "items": [{"sku": "a"}]}))


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_they_are_accessible_fit_and_follow_what_is_typed(
    live_server: Any,
    session: Any,  # noqa: F811
    theme: str,
    width: int,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found: list[str] = []

    def look(page: Any) -> None:
        violations = Axe().run(page, options=RULES).response["violations"]
        found.extend(f"{page.url}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in violations)
        if page.evaluate(WIDTH) > width:
            found.append(f"{page.url} is too wide")

    with opened(live_server, session, theme, width) as page:
        page.goto(NEW)
        look(page)
        page.get_by_label("Steps").fill(json.dumps(UP[:1], indent=2))
        page.get_by_text("It would be refused").wait_for()
        look(page)
        page.get_by_label("Steps").fill(json.dumps(UP, indent=2))
        page.get_by_text("Nothing speaks against it").wait_for()
        look(page)
        page.get_by_role("button", name="Register").click()
        page.get_by_text("is in use").wait_for()
        look(page)
        page.goto(f"/events/id/{EVENT}?as=^2")
        page.get_by_text("by migration 1").wait_for()
        look(page)
        page.goto(f"/events/id/{EVENT}?as=^9")
        look(page)
        page.goto("/subjects/order.placed/migrations")
        page.get_by_role("button", name="Retire").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Retire").click()
        page.get_by_text("is retired").wait_for()
        look(page)
    assert found == []


@pytest.mark.usefixtures("versions")
def test_without_scripts_a_button_tries_it(live_server: Any, session: Any) -> None:  # noqa: F811
    with opened(live_server, session, "light", DESK) as signed_in:
        page = signed_in.context.browser.new_context(
            base_url=live_server.url, java_script_enabled=False
        ).new_page()
        page.context.add_cookies([{**session, "url": live_server.url}])
        page.goto(NEW)
        page.get_by_label("Steps").fill(json.dumps(UP))
        page.get_by_role("button", name="Try it").click()
        assert "Nothing speaks against it" in page.content()
