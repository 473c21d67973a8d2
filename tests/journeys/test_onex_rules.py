"""The three alert rules that the ONEX documents ask for, as an operator has them: built in the page and tried on what happened,
then fired by events, told to a receiver that verifies the signature, acknowledged and resolved."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.test_pages_story import Walk
from tests.onex import ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(420)]
PATH = "/onex-rules"
CRITICAL, RATE, NEW = (
    "critical system errors",
    "more than 5 % of operations fail",
    "an error code not seen before",
)
OPERATION = "TELEMETRY_OPERATION"


@pytest.fixture
def walk(browser, registry):
    walk = Walk(browser, registry)
    yield walk
    walk.context.close()


def an_end(node, *, code=None, at=None):
    """An operation that succeeded, or failed with a code."""
    metadata = {"operation": "stamp", "function": "stamp_file", "execution_time_ms": 12}
    if code is not None:
        metadata |= {"error_type": "OSError", "error_message": f"{code} on {node}", "error_code": code}
    at = at or datetime.now(UTC)
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": f"{OPERATION}_{'ERROR' if code else 'SUCCESS'}",
        "node_id": node,
        "correlation_id": f"{node}-{uuid.uuid4()}",
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "metadata": metadata,
    }


def send(api, *events):
    for begin in range(0, len(events), 100):
        counts = ok(api.post("events", json=list(events[begin : begin + 100])))["counts"]
        assert counts.keys() == {"stored"}, counts


def a_channel(walk, receiver):
    page = walk.page
    page.goto("/alerts/channels/new")
    page.get_by_label("Name").fill("on call for onex")
    page.get_by_label("Address").fill(receiver.url(PATH))
    page.get_by_label("Secret").fill(receiver.secret)
    walk.press("Make the channel")
    page.get_by_role("link", name="Done").click()
    page.wait_for_url("**/alerts/channels")


def condition(page, rows, field, op, value):
    page.locator(f"[name={rows}-0-field]").fill(field)
    page.locator(f"[name={rows}-0-op]").select_option(op)
    page.locator(f"[name={rows}-0-value]").fill(value)


def fill_in(walk, name, kind, numbers, group_by=""):
    page = walk.page
    page.goto("/alerts/rules/new")
    page.locator("[name=name]").fill(name)
    page.locator(f"[name=kind][value={kind}]").check()
    for field, number in numbers.items():
        page.locator(f"[name={field}]").fill(str(number))
    page.locator("[name=group_by]").fill(group_by)
    page.locator("[name=severity]").select_option("critical")
    page.get_by_role("group", name="Tell optional", exact=True).get_by_label("on call for onex").check()


def tried(walk):
    """What the backtest of the form says; back in the form afterwards, as it was."""
    page = walk.page
    page.locator("[name=range]").select_option("hour")
    walk.press("Backtest")
    page.wait_for_url(re.compile(r"/alerts/backtests/\d+$"))
    page.get_by_text("What was tried").wait_for()
    episodes = page.locator(".stat", has_text="Episodes").first.inner_text()
    page.go_back()
    page.locator("[name=name]").wait_for()
    return int(re.search(r"\d+", episodes)[0])


def create(walk):
    walk.press("Create rule")
    walk.page.wait_for_url(re.compile(r"/alerts/rules/\d+$"))


def test_the_three_rules_are_built_tried_fired_told_acknowledged_and_resolved(walk, registry, api, receiver):
    page = walk.page
    page.goto("/login")
    page.get_by_label("User name").fill(registry.login)
    page.get_by_label("Password").fill(registry.password)
    walk.press("Sign in", page.locator("body"))
    page.wait_for_url(re.compile(r"/$"))
    # What happened before: one disk was full, and everything else went well. All at one instant, because a window that
    # slides past them one by one would hold the failure and few of the others for a while, and that is above 5 %.
    before = datetime.now(UTC) - timedelta(seconds=400)
    send(
        api,
        *[an_end("stamper-1", at=before) for _ in range(40)],
        an_end("stamper-1", code="ONEX_SYS_901", at=before),
    )
    a_channel(walk, receiver)

    fill_in(walk, CRITICAL, "count", {"threshold": 1, "window_seconds": 300}, "node_id")
    condition(page, "rows", "error_code", "prefix", "ONEX_SYS_")
    assert tried(walk) == 1
    create(walk)
    fill_in(walk, RATE, "share", {"threshold": 10, "window_seconds": 300, "percent": 5})
    condition(page, "rows", "event_type", "in", f"{OPERATION}_SUCCESS, {OPERATION}_ERROR")
    condition(page, "hits", "event_type", "eq", f"{OPERATION}_ERROR")
    assert tried(walk) == 0
    create(walk)
    fill_in(walk, NEW, "new", {"window_seconds": 300, "remember_days": 30}, "error_code")
    condition(page, "rows", "event_type", "eq", f"{OPERATION}_ERROR")
    create(walk)

    send(api, *[an_end("stamper-2", code="ONEX_SYS_903") for _ in range(12)])

    def told(kind):
        found = [one for one in receiver.at(PATH) if json.loads(one.body)["type"] == kind]
        assert all(one.signed for one in found)
        return {json.loads(one.body)["data"]["rule"]["name"] for one in found}

    assert until(lambda: told("alert.firing") == {CRITICAL, RATE, NEW}, 180)

    page.goto("/alerts/episodes?state=unattended")
    row = page.get_by_role("row", name=re.compile(f"{CRITICAL}.*stamper-2"))
    row.get_by_role("button", name="I see to it").click()
    page.get_by_text(f"You see to {CRITICAL}").wait_for()
    assert page.get_by_role("row", name=re.compile(f"{CRITICAL}.*stamper-2")).count() == 0
    page.goto("/alerts/episodes?state=acknowledged")
    page.get_by_role("link", name=CRITICAL).first.click()
    walk.press("Resolve")
    page.locator("#resolve-reason").fill("the timeout was raised")
    walk.press("Resolve now")
    page.get_by_text("It is resolved.").wait_for()
    assert "the timeout was raised" in page.locator("main").inner_text()
    assert until(lambda: CRITICAL in told("alert.resolved"), 60)
    assert walk.problems == []
