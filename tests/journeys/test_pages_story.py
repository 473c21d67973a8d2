"""The same story as a person walks it: through the pages, in a real browser, with and without scripts.

SCREENSHOTS=folder keeps a picture of every page in both themes, on a desk and on a phone.
"""

import itertools
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.onex import an_event, ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(300)]

SUBJECT = "pages.order_paid"
FIRST = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An order was paid",
    "type": "object",
    "required": ["order", "amount"],
    "properties": {"order": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
}
BREAKING = {**FIRST, "required": ["order", "amount", "currency"]}
NODE = "till-3"
CORRELATION = "pages-chain"
# A form that was refused; and a preview that was given up because somebody went on typing.
EXPECTED = re.compile(r"status of 422|htmx:sendAbort|htmx:afterRequest")
LOOKS = list(itertools.product(["light", "dark"], [1360, 420]))


class Walk:
    """A page and everything that went wrong in it, and the addresses that were seen on the way."""

    def __init__(self, browser, registry):
        self.registry = registry
        self.context = browser.new_context(base_url=registry.url, viewport={"width": 1360, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.problems = []
        self.seen = []
        listen(self.page, self.problems)

    def look(self):
        """This address is one that somebody can come back to."""
        self.seen.append(self.page.url.removeprefix(self.registry.url))

    def press(self, name, within=None):
        (within or self.page.locator("main")).get_by_role("button", name=name, exact=True).click()

    def follow(self, name):
        self.page.get_by_role("link", name=name, exact=True).first.click()


def listen(page, problems):
    """Script errors, blocked resources and violations of the security policy all end up on the console."""

    def heard(said):
        if said.type == "error" and not EXPECTED.search(said.text):
            problems.append(said.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: problems.append(str(error)))


@pytest.fixture
def walk(browser, registry):
    walk = Walk(browser, registry)
    yield walk
    walk.context.close()


def test_a_person_walks_the_story_through_the_pages(walk, browser, api, receiver):
    sign_in(walk)
    publish_the_first(walk)
    be_refused_and_publish_a_major(walk)
    send(api, [{"order": "a", "amount": 5, "currency": "EUR"}, {"order": "b", "amount": -1}])
    filter_violations(walk)
    make_a_channel_and_a_rule(walk, receiver)
    send(api, [{"order": f"o{n}", "amount": n, "currency": "EUR"} for n in range(6)])
    see_the_episode(walk, receiver)
    replay_it_and_watch(walk, receiver)
    edit_and_pause_the_rule(walk)
    make_a_token(walk)
    assert walk.problems == [], "\n".join(walk.problems)

    state = walk.context.storage_state()
    stays_usable_without_scripts(browser, walk.registry, state, walk.seen)
    looks_right_everywhere(browser, walk.registry, state, walk.seen)


def send(api, paid):
    began = datetime.now(UTC) - timedelta(seconds=len(paid))
    events = [
        an_event(
            SUBJECT,
            metadata,
            node_id=NODE,
            correlation_id=CORRELATION,
            schema_version="2.0.0",
            timestamp=(began + timedelta(seconds=n)).isoformat(),
        )
        for n, metadata in enumerate(paid)
    ]
    ok(api.post("events", json=events))


def sign_in(walk):
    page = walk.page
    page.goto("/subjects")
    page.wait_for_url("**/login?next=/subjects")
    page.get_by_label("User name").fill(walk.registry.login)
    page.get_by_label("Password").fill(walk.registry.password)
    walk.press("Sign in", page.locator("body"))
    page.wait_for_url("**/subjects")
    page.goto("/")
    walk.look()


def publish_the_first(walk):
    page = walk.page
    page.goto("/upload")
    walk.look()
    page.get_by_label("Subject").fill(SUBJECT)
    page.get_by_label("JSON Schema").fill(json.dumps(FIRST))
    walk.press("Indent")
    assert page.get_by_label("JSON Schema").input_value().strip() == json.dumps(FIRST, indent=2)
    walk.press("Check")
    page.get_by_text("This can be published").wait_for()
    walk.press("Publish")
    page.wait_for_url("**/versions/1")
    assert page.get_by_role("heading", level=1).inner_text().startswith(SUBJECT)
    walk.look()


def be_refused_and_publish_a_major(walk):
    page = walk.page
    page.goto(f"/upload?subject={quote(SUBJECT)}")
    page.get_by_label("JSON Schema").fill(json.dumps(BREAKING))
    walk.press("Publish")
    page.get_by_text("This cannot be published as it is").wait_for()
    witness = json.loads(page.locator("#witness-1").inner_text())
    assert "currency" not in witness
    assert {"order", "amount"} <= set(witness)
    assert page.get_by_text("Two independent validators agree").is_visible()
    assert json.loads(page.get_by_label("JSON Schema").input_value()) == BREAKING
    page.get_by_role("textbox", name="Version").fill("2.0.0")
    walk.press("Publish")
    page.wait_for_url("**/versions/2")
    assert page.get_by_text("2.0.0").first.is_visible()
    walk.look()
    page.goto(f"/subjects/{SUBJECT}")
    walk.look()
    page.goto("/subjects?q=pages.")
    page.get_by_role("link", name=SUBJECT).wait_for()
    walk.look()


def filter_violations(walk):
    page = walk.page
    page.goto("/events")
    page.get_by_label("Type").fill("pages.*")
    page.get_by_label("Validity").select_option("With violations")
    page.wait_for_url(re.compile(r"\?.*valid=false"))
    assert page.locator("tbody tr").count() == 1
    walk.look()
    page.locator("tbody a").first.click()
    page.wait_for_url("**/events/id/**")
    page.get_by_text("/metadata/amount").first.wait_for()
    walk.look()
    page.goto("/violations")
    page.get_by_text(SUBJECT).first.wait_for()
    walk.look()


def make_a_channel_and_a_rule(walk, receiver):
    page = walk.page
    page.goto("/alerts/channels/new")
    page.get_by_label("Name").fill("the pages' receiver")
    page.get_by_label("Address").fill(receiver.url("/pages/alert"))
    page.get_by_label("Secret").fill(receiver.secret)
    walk.press("Make the channel")
    page.get_by_role("link", name="Done").click()
    page.wait_for_url("**/alerts/channels")
    walk.look()

    page.goto("/alerts/rules/new")
    walk.look()
    page.get_by_label("Name").fill("many payments at one till")
    page.get_by_label("Value").nth(0).fill(SUBJECT)
    page.get_by_label("Field").nth(1).fill("metadata.amount")
    page.get_by_label("Comparison").nth(1).select_option("gte")
    page.get_by_label("Value").nth(1).fill("0")
    page.get_by_label("At least").fill("4")
    page.get_by_label("within seconds").fill("120")
    page.get_by_label("Counted apart by").fill("node_id")
    page.get_by_role("group", name="Tell optional", exact=True).get_by_label("the pages' receiver").check()
    page.locator("#preview").get_by_text(re.compile("would", re.IGNORECASE)).first.wait_for()
    walk.press("Create rule")
    page.wait_for_url(re.compile(r"/alerts/rules/\d+$"))
    assert "many payments at one till" in page.get_by_role("heading", level=1).inner_text()
    walk.look()


def see_the_episode(walk, receiver):
    [message] = receiver.wait_for("/pages/alert", 1, 30)
    assert message.signed
    page = walk.page
    page.goto("/alerts/episodes")
    walk.look()
    page.get_by_role("link", name="many payments at one till").first.click()
    page.wait_for_url(re.compile(r"/alerts/episodes/\d+$"))
    assert page.get_by_text(NODE).first.is_visible()
    until(lambda: page.reload() and page.get_by_text("delivered").count())
    walk.look()


def replay_it_and_watch(walk, receiver):
    page = walk.page
    walk.follow("Replay what happened")
    assert page.get_by_label("Correlation").input_value() == CORRELATION
    walk.look()
    page.get_by_label("Send to").fill(receiver.url("/pages/replay"))
    walk.press("Preview")
    page.get_by_role("heading", name="What it will do").wait_for()
    walk.press("Start")
    page.wait_for_url(re.compile(r"/replays/[0-9a-f-]{36}$"))
    bar = page.get_by_role("progressbar")
    total = int(bar.get_attribute("max") or bar.get_attribute("aria-valuemax"))
    seen = set()

    def over():
        seen.add(bar.first.get_attribute("value"))
        return page.get_by_text("All events were played").is_visible()

    until(over, 40)
    assert len(seen) > 2, "the bar moved while it was watched"
    assert len(receiver.at("/pages/replay")) == total == 8
    walk.look()
    page.goto("/replays")
    walk.look()


def edit_and_pause_the_rule(walk):
    page = walk.page
    page.goto("/alerts/rules")
    walk.look()
    page.get_by_role("link", name="many payments at one till").first.click()
    walk.follow("Edit")
    page.get_by_label("At least").fill("5")
    walk.press("Save")
    page.wait_for_url(re.compile(r"/alerts/rules/\d+$"))
    assert page.get_by_role("row", name=re.compile("2 current")).is_visible()
    walk.press("Pause")
    walk.press("Pause", page.get_by_role("dialog"))
    page.get_by_role("button", name="Resume").wait_for()
    walk.press("Resume")
    page.get_by_role("button", name="Pause").first.wait_for()


def make_a_token(walk):
    page = walk.page
    page.goto("/tokens/new")
    walk.look()
    page.get_by_label("Name").fill("the till's")
    page.get_by_label(re.compile("ingest")).check()
    walk.press("Create token")
    secret = page.get_by_label("Token", exact=True).input_value()
    assert secret.startswith("onex_")
    page.goto("/tokens")
    assert page.get_by_text("the till's").first.is_visible()
    assert secret not in page.content()
    walk.look()
    for address in (
        "/audit",
        "/people",
        "/deliveries",
        "/violations/quarantine",
        f"/events/correlation/{CORRELATION}",
    ):
        page.goto(address)
        walk.look()


def stays_usable_without_scripts(browser, registry, state, addresses):
    """Every page still answers its question, and a filter is still a form."""
    context = browser.new_context(base_url=registry.url, storage_state=state, java_script_enabled=False)
    page = context.new_page()
    for address in addresses:
        answer = page.goto(address)
        assert answer.status == 200, address
        assert page.locator("main h1").inner_text().strip(), address
        assert page.locator("main").inner_text().count("\n") > 3, address
    page.goto("/events")
    page.get_by_label("Type").fill("pages.*")
    page.get_by_role("button", name="Apply").click()
    assert page.locator("tbody tr").count() == 8
    page.goto(f"/upload?subject={quote(SUBJECT)}")
    page.get_by_label("JSON Schema").fill(json.dumps(FIRST))
    page.get_by_role("button", name="Check").click()
    assert page.get_by_text("This very schema is there already").is_visible()
    context.close()


def looks_right_everywhere(browser, registry, state, addresses):
    """Nothing is wider than the window, and nothing is said on the console."""
    problems = []
    folder = os.environ.get("SCREENSHOTS")
    # The walk was in light on a desk; where the width fits, the theme changes nothing but colours.
    looks = LOOKS if folder else [("dark", 420)]
    context = browser.new_context(base_url=registry.url, storage_state=state)
    page = context.new_page()
    listen(page, problems)
    for number, address in enumerate(addresses):
        page.goto(address)
        for theme, width in looks:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            overflow = page.evaluate("document.documentElement.scrollWidth") - width
            if overflow > 0:
                problems.append(f"{address} is {overflow} px too wide at {width}")
            if folder:
                name = re.sub(r"\W+", "-", address.strip("/"))[:40] or "home"
                file = Path(folder) / f"{number:02}-{name}-{theme}-{width}.png"
                page.screenshot(path=file, full_page=True)
    context.close()
    assert problems == []
