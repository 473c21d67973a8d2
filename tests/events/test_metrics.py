"""What Prometheus scrapes: right counts, whichever process is asked, and no more series than are allowed."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from access.actor import SYSTEM
from events.fold import fold_statistics
from events.models import Meter
from events.recount import rebuild_statistics
from tests.conftest import Person
from tests.events.conftest import ORDER, Publish, Send, event

pytestmark = pytest.mark.django_db
LATEST = "application/openmetrics-text; version=1.0.0"


def scrape(person: Person, accept: str = "") -> dict[str, Metric]:
    answer = person.api.get("/metrics", headers={"accept": accept} if accept else {})
    assert answer.status_code == 200, answer.content
    parse = parse_openmetrics if accept else parse_text
    return {family.name: family for family in parse(answer.content.decode())}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    for family in found.values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"no {name} {labels}")


def operation(
    phase: str, *, node: str = "shop-1", took: Any = ..., correlation: str = "c", **more: Any
) -> dict[str, Any]:
    metadata = {"operation": "place", **({} if took is ... else {"execution_time_ms": took})}
    return event(f"ORDER_{phase}", node_id=node, correlation_id=correlation, metadata=metadata, **more)


@pytest.fixture
def log(publish: Publish, send: Send) -> None:
    publish("order.placed", ORDER)
    for phase in ("START", "SUCCESS", "ERROR"):
        publish(f"ORDER_{phase}", {"type": "object"}, "1.0.0")
    send(
        event(),
        event(metadata={"amount": "three"}),
        operation("START"),
        operation("SUCCESS", took=50),
        operation("START", correlation="d"),
        operation("START", node="shop-2", correlation="e"),
        operation("ERROR", node="shop-2", correlation="e", took=2500.5),
    )
    fold_statistics()


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("accept", ["", LATEST])
def test_events_are_counted_by_type_node_and_status(owner: Person, accept: str) -> None:
    found = scrape(owner, accept)
    total = "onex_events_total"
    assert value(found, total, event_type="order.placed", node_id="shop-1", status="other") == 2
    assert value(found, total, event_type="ORDER_START", node_id="shop-1", status="started") == 2
    assert value(found, total, event_type="ORDER_SUCCESS", node_id="shop-1", status="succeeded") == 1
    assert value(found, total, event_type="ORDER_ERROR", node_id="shop-2", status="failed") == 1
    assert value(found, "onex_events_violating_total", event_type="order.placed") == 1


@pytest.mark.usefixtures("log")
def test_durations_and_sizes_are_histograms_with_inclusive_upper_bounds(owner: Person) -> None:
    found = scrape(owner)
    took = "onex_operation_duration_seconds"
    slow = {"node_id": "shop-2", "operation": "place"}
    quick = {"node_id": "shop-1", "operation": "place"}
    assert value(found, f"{took}_bucket", le="0.025", **quick) == 0
    assert value(found, f"{took}_bucket", le="0.05", **quick) == 1
    assert value(found, f"{took}_bucket", le="2.5", **slow) == 0
    assert value(found, f"{took}_bucket", le="5.0", **slow) == 1
    assert value(found, f"{took}_sum", **slow) == pytest.approx(2.5005)
    assert value(found, "onex_event_size_bytes_count", event_type="ORDER_START") == 3


@pytest.mark.usefixtures("log")
def test_operations_that_have_not_ended_are_active(owner: Person) -> None:
    found = scrape(owner)
    assert value(found, "onex_active_operations", node_id="shop-1") == 1
    assert all(s.labels["node_id"] != "shop-2" for s in found["onex_active_operations"].samples)


@pytest.mark.usefixtures("log")
def test_counting_goes_on_and_a_rebuild_of_statistics_counts_nothing_twice(send: Send, owner: Person) -> None:
    send(event())
    fold_statistics()
    rebuild_statistics(actor=SYSTEM)
    assert (
        value(scrape(owner), "onex_events_total", event_type="order.placed", node_id="shop-1", status="other")
        == 3
    )


def test_made_up_names_do_not_make_series_without_end(
    publish: Publish, send: Send, owner: Person, settings: Any
) -> None:
    settings.METRICS_MAX_SERIES = 3
    publish("order.placed", ORDER)
    for number in range(5):
        send(event(node_id=f"node-{number}"), event(node_id="node-0"))
        fold_statistics()
    found = scrape(owner)["onex_events"].samples
    counts = {sample.labels["node_id"]: sample.value for sample in found}
    assert counts == {"node-0": 6, "node-1": 1, "node-2": 1, "_other": 2}
    assert Meter.objects.filter(metric="onex_events").count() == 4


def test_what_waits_is_told(send: Send, owner: Person) -> None:
    send(event("never.heard.of"), event("never.heard.of"))
    found = scrape(owner)
    assert value(found, "onex_quarantined_events") == 2
    assert value(found, "onex_statistics_lag_events") == 0
    assert value(found, "onex_queue_depth", queue="deliveries") == 0
    assert value(found, "onex_queue_depth", queue="imports") == 0


@pytest.mark.usefixtures("log")
def test_the_catalogue_and_the_evaluation_are_told(owner: Person) -> None:
    found = scrape(owner)
    assert value(found, "onex_subjects") == 4
    assert value(found, "onex_versions", state="active", verdict="first") == 4
    assert value(found, "onex_alert_evaluation_lag_events") == 0
    made = owner.api.post(
        "/api/v1/alerts/rules",
        {
            "name": "all",
            "selector": {"field": "event_type", "op": "eq", "value": "ORDER_ERROR"},
            "threshold": 1,
            "window_seconds": 60,
        },
    )
    assert made.status_code == 201, made.json()
    assert value(scrape(owner), "onex_alert_rules", state="enabled") == 1


def test_what_programs_report_is_added_up_over_processes_and_restarts(owner: Person) -> None:
    def report(instance: int, sequence: int, emitted: int, dropped: int) -> None:
        body = {
            "instance": str(UUID(int=instance)),
            "sequence": sequence,
            "service": "shop",
            "node_id": "n",
            "sdk": "onex-sdk/1",
            "started_at": datetime.now(UTC).isoformat(),
            "counts": {},
            "gauges": {},
            "types": {"order.placed": {"emitted": emitted, "dropped_queue_full": dropped}},
        }
        assert owner.api.post("/api/v1/client-reports", body).status_code < 300

    report(1, 1, 10, 1)
    report(1, 2, 15, 3)
    report(1, 1, 10, 1)
    report(2, 1, 4, 0)
    found = scrape(owner)
    assert value(found, "onex_events_emitted_total", service="shop") == 19
    assert value(found, "onex_events_failed_total", service="shop") == 3


def test_a_token_that_may_not_read_everything_is_refused(teammate: Person, client: Any) -> None:
    assert teammate.api.get("/metrics").status_code == 403
    assert client.get("/metrics").status_code == 401


OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
NAME = re.compile(r"\bonex_[a-z_]+")


@pytest.mark.usefixtures("log")
def test_dashboard_and_alert_rules_name_only_what_is_there_and_the_page_lists_all_of_it(
    owner: Person,
) -> None:
    names = {sample.name for family in scrape(owner).values() for sample in family.samples}
    families = set(scrape(owner)) | names
    # Without a failing target, lost events or firing episodes these have no series yet.
    families |= {"onex_delivery_target_failures", "onex_alert_episodes_firing", "onex_events_failed_total"}
    dashboard = json.loads((OPERATIONS / "grafana-dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((OPERATIONS / "prometheus-alerts.yaml").read_text())
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert {name for expression in asked for name in NAME.findall(expression)} <= families
    page = (OPERATIONS / "monitoring.md").read_text()
    bare = {family.removesuffix("_total") for family in scrape(owner)}
    assert {name for name in bare if f"`{name}`" not in page and f"`{name}_total`" not in page} == set()
