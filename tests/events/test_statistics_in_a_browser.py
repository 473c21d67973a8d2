"""The charts of statistics in a real browser: accessible, legible on a phone, and complete with scripts switched off."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from events.fold import fold_statistics
from registry.models import Version
from tests.events.conftest import ORDER, event
from tests.events.counted import append_rows
from tests.registry.test_accessibility import DESK, PHONE, RULES, WIDTH, opened, session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["session"]
LONG = "team.order.placed_by_somebody_who_likes_very_long_names_of_event_types"


@pytest.fixture
def counted(publish, send):
    publish(LONG, ORDER, "1.0.0")
    publish(LONG, {**ORDER, "title": "newer"}, "1.1.0")
    Version.objects.filter(semver="1.0.0").update(state="deprecated", deprecated_at=timezone.now())
    now = timezone.now()
    send(
        *[
            event(
                LONG,
                timestamp=(now - timedelta(hours=hour)).isoformat(),
                schema_version="1.1.0" if hour < 9 else "1.0.0",
                metadata={"amount": 3 if hour % 4 else "many", "execution_time_ms": 20 * hour + 1},
            )
            for hour in range(20)
        ],
        event(LONG, timestamp="1970-01-01T00:00:00Z"),
    )
    append_rows({"event_type": f"type-{number}", "occurred_at": now} for number in range(60))
    fold_statistics()


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", DESK), ("light", PHONE)])
def test_charts_are_accessible_and_fit(live_server, session, counted, theme, width):
    found = []
    with opened(live_server, session, theme, width) as page:
        page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
        for address in (
            "/statistics",
            "/statistics?range=7d&after=50",
            f"/statistics/{LONG}",
            f"/statistics/{LONG}?range=30d",
        ):
            page.goto(address)
            assert page.locator("svg.chart, svg.sparkline").count() > 0
            for details in page.locator("details.more summary").all():
                details.click()
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [f"{address}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in violations]
            assert page.evaluate(WIDTH) == width
    assert "\n".join(found) == ""
