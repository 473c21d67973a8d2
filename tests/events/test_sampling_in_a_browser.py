"""The slider of a rate and the picture of stacks in a real browser: accessible, legible on a phone, complete without scripts."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from events.fold import fold_statistics
from events.models import SamplingRevision
from registry.load_catalogue import FOLDER
from tests.events.conftest import ORDER, event
from tests.events.profiles import profiles
from tests.registry.test_accessibility import DESK, PHONE, RULES, WIDTH, opened, session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["session"]
PROFILE = "/profiles/operation?service=stamper&operation=process_directory"


@pytest.fixture
def stored(publish, send):
    publish("order.placed", ORDER, "1.0.0")
    schema = (FOLDER / "performance_profile-1.1.0.json").read_text(encoding="utf-8")
    publish("PERFORMANCE_PROFILE", json.loads(schema), "1.1.0")
    send(*[event() for _ in range(50)], *profiles(1, count=30, release="1.0"))
    fold_statistics()


def rate_of(page):
    return float(page.locator("[name=rate]").input_value())


def test_a_rate_is_chosen_with_a_slider_and_predicted_at_once(live_server, session, stored):
    with opened(live_server, session, "light", DESK) as page:
        page.goto("/sampling/new")
        page.fill("[name=event_type]", "order.*")
        slider = page.get_by_label("Share that is kept, as a slider")
        slider.focus()
        page.keyboard.press("Home")
        assert rate_of(page) == 0.0001
        page.keyboard.press("End")
        assert rate_of(page) == 1
        slider.fill("300")
        assert rate_of(page) == 0.1
        page.wait_for_selector("#prediction td")
        assert "Estimated between" in page.locator("#prediction").inner_text()
        # Who types a rate moves the slider.
        page.locator("[name=rate]").press("Control+a")
        page.keyboard.type("0.5")
        assert slider.get_attribute("aria-valuetext") == "50 %, one in 2"
    assert SamplingRevision.objects.count() == 1


def test_without_scripts_a_rate_is_a_field_and_the_picture_can_be_walked(live_server, session, stored):
    with opened(live_server, session, "light", DESK) as other:
        context = other.context.browser.new_context(base_url=live_server.url, java_script_enabled=False)
        context.add_cookies([{**session, "url": live_server.url}])
        page = context.new_page()
        page.goto("/sampling/new")
        page.fill("[name=event_type]", "order.*")
        page.fill("[name=rate]", "0.1")
        page.click("[name=preview]")
        assert "Estimated between" in page.locator("#prediction").inner_text()
        assert page.locator(".slider").count() == 0
        page.goto(PROFILE)
        page.get_by_role("link", name="process, 85").click()
        assert "85.00 % of all" in page.locator("#frames").inner_text()


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", DESK), ("light", PHONE)])
def test_both_are_accessible_and_fit(live_server, session, stored, theme, width):
    found = []
    with opened(live_server, session, theme, width) as page:
        page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
        for address in ("/sampling/new", PROFILE, f"{PROFILE}&frame=main&frame=process"):
            page.goto(address)
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [f"{address}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in violations]
            assert page.evaluate(WIDTH) == width
    assert "\n".join(found) == ""
