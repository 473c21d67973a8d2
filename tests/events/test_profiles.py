"""What operations cost: percentiles, over time, between two releases, and in which frames."""

import html
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from access.actor import SYSTEM
from events.fold import fold_statistics
from events.models import Event, Profile
from events.profile_numbers import Samples, differences
from events.profiles import Scope, time_spent
from events.recount import rebuild_statistics
from events.retention import apply_retention
from registry.load_catalogue import FOLDER
from registry.models import Subject
from tests.events.days import days_ago, move_all_to
from tests.events.profiles import profiles

QUERY = {"service": "stamper", "operation": "process_directory"}


@pytest.fixture
def stored(publish, send):
    """`stored(seed, count=…, release=…)`: these profiles are sent, judged by the catalogue's schema, and counted."""
    schema = (FOLDER / "performance_profile-1.1.0.json").read_text(encoding="utf-8")
    publish("PERFORMANCE_PROFILE", json.loads(schema), "1.1.0")

    def stored(seed, **how):
        made = list(profiles(seed, **how))
        assert send(*made).counts == {"stored": len(made)}
        fold_statistics()
        return made

    return stored


def durations(made):
    return sorted(one["metadata"]["execution_time_ms"] for one in made)


def test_operations_are_listed_by_service_and_release_with_percentiles(owner, stored):
    made = stored(1, count=400, release="1.0")
    stored(2, count=10, release="1.1", operation="other")
    items = owner.api.get("/api/v1/profiles").data["items"]
    assert [(one["service"], one["operation"], one["release"]) for one in items] == [
        ("stamper", "other", "1.1"),
        ("stamper", "process_directory", "1.0"),
    ]
    values, numbers = durations(made), items[1]["numbers"]
    assert (numbers["count"], numbers["happened"]) == (400, 400)
    assert (numbers["p50"], numbers["p95"], numbers["p99"]) == (values[199], values[379], values[395])
    memory = owner.api.get("/api/v1/profiles", {"measure": "memory", "operation": "process_directory"})
    assert 195 < memory.data["items"][0]["numbers"]["p50"] < 205


def test_what_was_sampled_weighs_more(owner, stored):
    stored(1, count=90, release="1.0")
    stored(2, count=10, release="1.0", slower=10.0, sample_rate=0.01)
    numbers = owner.api.get("/api/v1/profiles").data["items"][0]["numbers"]
    assert (numbers["count"], numbers["happened"]) == (100, pytest.approx(1090))
    # Without the weights the median would be one of the 90.
    assert numbers["p50"] > 500


def test_one_rate_weighs_all_alike(owner, stored):
    made = stored(1, count=20, release="1.0", sample_rate=0.1)
    numbers = owner.api.get("/api/v1/profiles").data["items"][0]["numbers"]
    values = durations(made)
    # The 19th of 20 is 95 %, although 0.95 is no number that a computer has.
    assert (numbers["happened"], numbers["p50"], numbers["p95"]) == (200, values[9], values[18])


def test_what_was_stored_and_not_counted_yet_is_said(owner, stored, send):
    stored(1, count=3, release="1.0")
    send(*profiles(2, count=4, release="1.0"))
    answer = owner.api.get("/api/v1/profiles").data
    assert (answer["items"][0]["numbers"]["count"], answer["not_counted_yet"]) == (3, 4)
    for address in ("/profiles", "/profiles/operation"):
        assert (
            "4 stored events are not counted here yet" in owner.browser.get(address, QUERY).content.decode()
        )


def test_the_newest_of_each_release_are_compared_and_the_page_says_so(owner, stored, settings):
    settings.PROFILES_COMPARED = 40
    now = datetime.now(UTC)
    stored(1, count=100, release="1.0", slower=5.0, until=now - timedelta(days=1, hours=12))
    stored(2, count=100, release="1.0", until=now)
    made = stored(3, count=30, release="1.1")
    duration = owner.api.get("/api/v1/profiles/compare", {**QUERY, "old": "1.0", "new": "1.1"}).data["items"][
        0
    ]
    assert (duration["old"]["count"], duration["new"]["count"]) == (40, 30)
    assert duration["new"]["p50"] == durations(made)[14]
    page = owner.browser.get("/profiles/operation", QUERY).content.decode()
    assert "Of the newest 40 profiles of each release" in page


def test_operations_come_in_pages_that_follow_each_other(owner, stored):
    for number in range(53):
        stored(number, count=1, release="1.0", operation=f"op-{number:02}")
    first = owner.api.get("/api/v1/profiles").data
    second = owner.api.get("/api/v1/profiles", {"after": first["next"]}).data
    names = [one["operation"] for one in [*first["items"], *second["items"]]]
    assert names == [f"op-{number:02}" for number in range(53)]
    assert second["next"] is None


def test_percentiles_over_time_are_those_of_each_part(owner, stored):
    made = stored(1, count=300, release="1.0")
    until = datetime.now(UTC)
    parts = owner.api.get("/api/v1/profiles/series", {**QUERY, "until": until.isoformat()}).data["items"]
    assert sum(part["numbers"]["count"] for part in parts) == 300
    for part in parts:
        begin, end = (datetime.fromisoformat(part[name]) for name in ("at", "until"))
        inside = durations([one for one in made if begin <= datetime.fromisoformat(one["timestamp"]) < end])
        assert part["numbers"]["p50"] == inside[(len(inside) + 1) // 2 - 1]


def verdicts(person, old="1.0", new="1.1"):
    answer = person.api.get("/api/v1/profiles/compare", {**QUERY, "old": old, "new": new})
    return {one["measure"]: [each["verdict"] for each in one["differences"]] for one in answer.data["items"]}


def test_a_planted_regression_is_found(owner, stored):
    stored(1, count=2000, release="1.0")
    stored(2, count=2000, release="1.1", slower=1.25)
    found = verdicts(owner)
    assert found["duration"] == ["higher"] * 3
    assert found["cpu"] == ["higher"] * 3
    assert found["memory"] == ["within_noise"] * 3
    assert verdicts(owner, "1.1", "1.0")["duration"] == ["lower"] * 3


def test_a_regression_of_the_tail_alone_is_found_there(owner, stored):
    stored(1, count=3000, release="1.0")
    stored(2, count=3000, release="1.1", tail=4.0)
    assert verdicts(owner)["duration"][0] == "within_noise"
    assert verdicts(owner)["duration"][2] == "higher"


def test_a_release_that_costs_the_same_is_not_flagged(owner, stored):
    stored(1, count=2000, release="1.0")
    stored(2, count=2000, release="1.1")
    assert verdicts(owner) == dict.fromkeys(("duration", "cpu", "memory"), ["within_noise"] * 3)


def test_too_few_profiles_say_nothing(owner, stored):
    stored(1, count=300, release="1.0")
    stored(2, count=300, release="1.1", slower=3.0)
    assert verdicts(owner)["duration"] == ["higher", "higher", "too_few"]
    assert verdicts(owner, "1.0", "9.9")["duration"] == ["too_few"] * 3


def test_what_does_not_differ_is_flagged_no_more_often_than_promised():
    """200 comparisons of the same with the same: 5 % of 9 looks mean some 0.6 % of each."""
    chance, flagged = random.Random(3), 0
    for _ in range(200):
        old, new = (Samples([(chance.lognormvariate(4.6, 0.4), 1.0) for _ in range(400)]) for _ in range(2))
        flagged += any(one.verdict in {"higher", "lower"} for one in differences(old, new))
    assert flagged <= 7


def test_the_same_numbers_get_the_same_answer():
    old, new = (Samples([(float(value + more), 1.0) for value in range(500)]) for more in (0, 20))
    assert differences(old, new) == differences(old, new)


def test_frames_and_stacks_are_added_up_by_their_weight(owner, stored):
    made = stored(1, count=50, release="1.0", sample_rate=0.5)
    answer = owner.api.get("/api/v1/profiles/frames", QUERY).data
    first = answer["items"][0]
    whole = sum(durations(made)) * 2
    assert (first["function"], first["profiles"]) == ("hash_tree", 50)
    assert first["self_ms"] == pytest.approx(whole * 0.55, rel=1e-3)
    assert first["share"] == pytest.approx(0.55, rel=1e-3)
    assert answer["stacks"][0]["frames"] == ["main", "process", "hash_tree"]


def test_the_highest_lead_to_their_events_and_correlations(owner, stored):
    made = stored(1, count=50, release="1.0")
    worst = max(made, key=lambda one: one["metadata"]["execution_time_ms"])
    found = owner.api.get("/api/v1/profiles/slowest", QUERY).data["items"][0]
    assert (found["event_id"], found["correlation_id"]) == (worst["event_id"], worst["correlation_id"])
    page = owner.browser.get("/profiles/operation", QUERY).content.decode()
    assert f"/events/id/{worst['event_id']}" in page
    assert f"/events/correlation/{worst['correlation_id']}" in page


def test_the_pages_show_chart_comparison_and_frames(owner, stored):
    stored(1, count=300, release="1.0")
    stored(2, count=300, release="1.1", slower=2.0)
    listed = owner.browser.get("/profiles").content.decode()
    assert "process_directory" in listed.replace("<wbr>", "")
    page = owner.browser.get("/profiles/operation", QUERY).content.decode()
    for text in ("<svg", "Over time", "too few", "higher", "hash_tree", "icicle-"):
        assert text in page
    only = owner.browser.get("/profiles/operation", {**QUERY, "release": "1.0"}).content.decode()
    assert "release <code>1.0</code>" in only


def test_the_picture_of_stacks_can_be_walked_down(owner, stored):
    stored(1, count=50, release="1.0")
    page = owner.browser.get("/profiles/operation", QUERY).content.decode()
    assert "frame=main&amp;frame=process&amp;frame=hash_tree#frames" in page
    below = owner.browser.get("/profiles/operation", {**QUERY, "frame": ["main", "process"]}).content.decode()
    assert "85.00 % of all" in below
    assert "hash_tree, 64.71" in below
    assert "report, " not in below
    last = owner.browser.get("/profiles/operation", {**QUERY, "frame": ["main", "report"]}).content.decode()
    assert "the time is its own" in last
    nowhere = owner.browser.get("/profiles/operation", {**QUERY, "frame": ["gone"]}).content.decode()
    assert "main, 100.00" in nowhere


def test_where_the_time_went_adds_up_to_the_duration(owner, stored):
    made = stored(1, count=50, release="1.0", sample_rate=0.5)
    spent = time_spent(actor=owner.actor, scope=Scope.of(QUERY))
    mean = sum(durations(made)) / 50
    cpu = sum(
        m["metadata"]["performance_profile"][name] for m in made for name in ("cpu_user_ms", "cpu_system_ms")
    )
    assert spent.whole == pytest.approx(mean, rel=1e-6)
    assert spent.own_code + spent.kernel == pytest.approx(cpu / 50, rel=1e-6)
    assert spent.collecting == 0
    page = owner.browser.get("/profiles/operation", QUERY).content.decode()
    assert "Where the time goes" in page
    assert "Garbage collection" not in page


def test_numbers_link_to_the_events_behind_them(owner, stored):
    stored(1, count=20, release="1.0")
    page = owner.browser.get("/profiles/operation", QUERY).content.decode()
    link = page.partition('<td class="nowrap"><a href="')[2].partition('"')[0].replace("&amp;", "&")
    assert link.startswith("/events?type=PERFORMANCE_PROFILE")
    assert "stamper_node" in owner.browser.get(link).content.decode().replace("<wbr>", "")


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"measure": "luck"}, "measure"),
        ({"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
        ({"since": "soon"}, "since"),
        ({"after": "damaged"}, "after"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_name(owner, given, parameter):
    answer = owner.api.get("/api/v1/profiles", given)
    assert (answer.status_code, answer.data["details"]["parameter"]) == (422, parameter)
    assert owner.browser.get("/profiles", given).status_code == 422


def test_odd_profiles_are_left_out_of_what_they_do_not_say(owner, stored, send):
    (odd,) = profiles(9, count=1, release="1.0")
    odd["metadata"]["execution_time_ms"] = "long"
    odd["metadata"]["performance_profile"] = {"top_frames": [7, {"self_ms": "x"}]}
    odd["metadata"]["stacks"] = [7, {"frames": 3}, {"frames": [None, 1], "self_ms": "x"}]
    (extreme,) = profiles(10, count=1, release="1.0")
    text = json.dumps(extreme).replace(str(extreme["metadata"]["execution_time_ms"]), "1e-400")
    send(odd)
    memory = str(extreme["metadata"]["performance_profile"]["memory_peak_mb"])
    send(raw=f"[{text.replace(memory, '1e400')}]".encode())
    stored(1, count=5, release="1.0")
    # The one that took no time to speak of was measured, and its memory was not.
    assert owner.api.get("/api/v1/profiles").data["items"][0]["numbers"]["count"] == 5
    for address in ("series", "frames", "slowest"):
        assert owner.api.get(f"/api/v1/profiles/{address}", QUERY).status_code == 200
    assert owner.browser.get("/profiles/operation", QUERY).status_code == 200


def test_only_the_time_that_is_asked_for_is_looked_at(owner, stored):
    stored(1, count=20, release="1.0", until=datetime.now(UTC) - timedelta(days=30))
    assert owner.api.get("/api/v1/profiles").data["items"] == []
    assert "No profiles in this time" in owner.browser.get("/profiles").content.decode()


@pytest.mark.parametrize(
    "address", ["/api/v1/profiles", "/api/v1/profiles/series", "/profiles", "/profiles/operation"]
)
@pytest.mark.parametrize(
    "times",
    [
        {"until": "0001-01-01"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"since": "2026-01-01", "until": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_times_at_the_ends_of_the_calendar_are_told_instead_of_broken_on(owner, address, times):
    door = owner.api if address.startswith("/api") else owner.browser
    answer = door.get(address, {**QUERY, **times})
    assert answer.status_code == 422
    assert f"'{[*times][-1]}' is" in html.unescape(answer.content.decode())


@pytest.mark.parametrize("of_its_own", [None, 10])
def test_a_profile_goes_with_its_event(owner, stored, send, of_its_own):
    stored(1, count=1, release="1.1")
    Subject.objects.filter(name="PERFORMANCE_PROFILE").update(retention_days=of_its_own)
    Event.objects.all().delete()
    Profile.objects.all().delete()
    send(*profiles(2, count=3, release="1.0"))
    move_all_to(days_ago(95 if of_its_own is None else 20))
    assert Profile.objects.count() == 3
    apply_retention()
    assert (Event.objects.count(), Profile.objects.count()) == (0, 0)


def test_counting_anew_notes_the_profiles_that_are_missing(owner, stored):
    stored(1, count=5, release="1.0")
    before = owner.api.get("/api/v1/profiles", {"until": "2100-01-01", "since": "2000-01-01"}).data
    Profile.objects.filter(duration__gt=100).delete()
    rebuild_statistics(actor=SYSTEM)
    assert owner.api.get("/api/v1/profiles", {"until": "2100-01-01", "since": "2000-01-01"}).data == before


def test_names_without_end_are_cut_and_found_by_what_they_begin_with(owner, stored):
    name = "ö" * 3000
    stored(1, count=2, release="1.0", operation=name)
    item = owner.api.get("/api/v1/profiles").data["items"][0]
    assert item["operation"] == name[:200]
    for asked in (name, name[:200]):
        found = owner.api.get("/api/v1/profiles/series", {"operation": asked}).data["items"]
        assert sum(part["numbers"]["count"] for part in found) == 2
