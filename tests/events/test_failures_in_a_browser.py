"""The pages of failures in a real browser: accessible, and legible on a phone."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from events.fold import fold_statistics
from events.models import Failure
from tests.events.conftest import event
from tests.events.days import days_ago, move_all_to
from tests.registry.test_accessibility import DESK, PHONE, RULES, WIDTH, opened, session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["session"]
LONG = "Unexpected end of the answer of https://inventory.shop.example/v1/stock while order 3f2504e0-4f89-11d3-9a0c-0305e82c3301 was written to /var/lib/shop/17.json"


@pytest.fixture
def failed(publish, send):
    publish("NODE_FAILURE", {"type": "object"}, "1.0.0")
    for days, times in ((3, 40), (0, 60)):
        send(
            *[
                event(
                    "NODE_FAILURE",
                    node_id=f"stamper_node-{n % 7}",
                    metadata={
                        "error": LONG if n % 3 else f"Timeout after {n} s",
                        "error_code": "ONEX_CORE_001_RESOURCE_EXHAUSTED" if n % 2 else "",
                    },
                )
                for n in range(times)
            ]
        )
        if days:
            move_all_to(days_ago(days))
    send(event("NODE_FAILURE", metadata={"error": "Disk is full"}), event("NODE_FAILURE"))
    fold_statistics()


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", DESK), ("light", PHONE)])
def test_failures_are_accessible_and_fit(live_server, session, failed, theme, width):
    found = []
    group = Failure.objects.filter(pattern__startswith="Unexpected").values_list("group", flat=True)[0]
    with opened(live_server, session, theme, width) as page:
        for name, address in (
            ("list", "/failures"),
            ("one", f"/failures/{group}"),
            ("wrong", "/failures?days=x"),
        ):
            page.goto(address)
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [f"{address}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in violations]
            assert page.evaluate(WIDTH) == width
            if folder := os.environ.get("SHOTS"):
                page.screenshot(path=Path(folder) / f"failures-{name}-{theme}-{width}.png", full_page=True)
    assert "\n".join(found) == ""
