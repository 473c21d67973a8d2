"""What `./run bench events` asks of a log with millions of events: first pages by every filter, statistics, and a tree of a thousand."""

import re
import shutil
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from benchmarks import harness
from benchmarks.harness import Report, percentile, told
from registry.local.connection import Connection
from registry.local.home import home_named

REQUESTS = 60
TREE_EVENTS = 1_000
# With its index entries, generously.
_BYTES_PER_EVENT = 3_000
_AT_ONCE = 250_000
_COUNTING_STOPPED = 120
# The log's own events again under other ids, as if they had been sent.
_HEAD = "UPDATE events_loghead SET position = position + %(count)s RETURNING position - %(count)s"
_FILL = """
INSERT INTO events_event
SELECT %(head)s + row_number() OVER (), statement_timestamp(), occurred_at, gen_random_uuid()::text, event_type, schema_version,
    content_id, node_id, gen_random_uuid()::text, CASE WHEN parent_correlation_id IS NULL THEN NULL ELSE gen_random_uuid()::text END,
    replace(gen_random_uuid()::text, '-', ''), span_id, error_code, sample_rate, violations, lints, raw, document, producer
FROM (SELECT * FROM events_event WHERE position <= %(first)s), generate_series(1, %(times)s) LIMIT %(count)s
"""
_KEYS = """
INSERT INTO events_eventkey (key, received_on, digest)
SELECT left(encode(sha256(convert_to(event_id, 'UTF8')), 'hex'), 32)::uuid, received_at::date, sha256(raw)
FROM events_event WHERE position > %(head)s
"""
_LINKS = """
INSERT INTO events_correlationlink (correlation_id, parent_id, root_id, received_on)
SELECT correlation_id, parent_correlation_id, parent_correlation_id, received_at::date
FROM events_event WHERE position > %(head)s AND parent_correlation_id IS NOT NULL
"""
_ONE = "SELECT node_id, correlation_id, trace_id FROM events_event WHERE position = %s"


def measure_full(report: Report, registry: Connection, database: str, stored: int) -> None:
    _fill(report, database, stored)
    _wait_for_statistics(report, database)
    with psycopg.connect(database) as session:
        (last,) = session.execute("SELECT position FROM events_loghead").fetchone() or (0,)
        # What stands in the middle, so that no filter is answered by the newest page alone.
        node, correlation, trace = session.execute(_ONE, [last // 2]).fetchone() or ("", "", "")
    since = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    filters = {
        "newest": {},
        "type": {"type": "NODE_FAILURE"},
        "wildcard": {"type": "TELEMETRY_*"},
        "node": {"node": node},
        "correlation": {"correlation_id": correlation},
        "trace": {"trace_id": trace},
        "error_code": {"error_code": "ONEX_STAMP_003"},
        "invalid": {"valid": "false"},
        "since": {"since": since},
        "type_since": {"type": "NODE_START", "since": since},
    }
    with harness.api(registry) as api, closing(_signed_in(registry)) as pages:
        for name, asked in filters.items():
            _time(report, f"filter_{name}", api, "events", {**asked, "limit": "50"})
            _time(report, f"explorer_{name}", pages, "/events", asked)
        for span in ("24h", "7d", "30d"):
            for of, path in (("all", "statistics"), ("subject", "statistics/NODE_SUCCESS")):
                _time(report, f"statistics_api_{of}_{span}", api, path, {"range": span})
                _time(report, f"statistics_page_{of}_{span}", pages, f"/{path}", {"range": span})
        _tree(report, api)
    for kind in ("filter", "explorer", "statistics"):
        every = [value for name, value in report.metrics.items() if re.fullmatch(f"{kind}_.*_p99", name)]
        report.metric(f"{kind}_slowest_p99", max(float(one["value"]) for one in every), "ms")


def _fill(report: Report, database: str, stored: int) -> None:
    needed, free = stored * _BYTES_PER_EVENT, shutil.disk_usage(home_named()).free
    if free < needed:
        raise SystemExit(f"{stored:,} events need {needed / 2**30:.0f} GB; {free / 2**30:.0f} GB are free.")
    with psycopg.connect(database, autocommit=True) as session, report.timed("fill_seconds"):
        (first, present) = session.execute("SELECT max(position), count(*) FROM events_event").fetchone() or (
            0,
            0,
        )
        while present < stored:
            count = min(_AT_ONCE, stored - present)
            with session.transaction():
                (head,) = session.execute(_HEAD, {"count": count}).fetchone() or (0,)
                asked = {"head": head, "first": first, "count": count, "times": -(-count // first)}
                present += session.execute(_FILL, asked).rowcount
                session.execute(_KEYS, asked)
                session.execute(_LINKS, asked)
        session.execute("VACUUM ANALYZE")
        (found,) = session.execute("SELECT count(*) FROM events_event").fetchone() or (0,)
    if found < stored:
        raise SystemExit(f"{found:,} of {stored:,} events are stored.")
    report.count("full_stored", found)


def _wait_for_statistics(report: Report, database: str) -> None:
    """Until the registry's workers have counted all, so that nothing else is timed than what is asked."""
    left = "SELECT head.position - counted.position FROM events_loghead AS head, events_statisticscursor AS counted"
    with report.timed("full_counted_seconds"):
        least, since = None, time.monotonic()
        while waiting := harness.row(database, left)[0]:
            if least is None or waiting < least:
                least, since = waiting, time.monotonic()
            if time.monotonic() - since > _COUNTING_STOPPED:
                raise SystemExit(f"{waiting:,} events wait to be counted, and nobody counts them.")
            time.sleep(0.5)


def _time(report: Report, name: str, client: httpx.Client, path: str, asked: dict[str, str]) -> None:
    times = []
    for number in range(REQUESTS + 3):
        began = time.perf_counter()
        answer = client.get(path, params=asked)
        if number >= 3:
            times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{answer.request.url} answered {answer.status_code}: {answer.text[:500]}")
    report.metric(f"{name}_p50", percentile(times, 0.5), "ms")
    report.metric(f"{name}_p99", percentile(times, 0.99), "ms")


def _tree(report: Report, api: httpx.Client) -> None:
    """A tree of a thousand correlations with an event each; every tenth hangs deeper."""
    run, began = uuid.uuid4().hex, datetime.now(UTC)
    told(api.post("events", json=[_node(run, number, began) for number in range(TREE_EVENTS)]))
    found = told(api.get(f"correlations/{run}-0"))
    if len(found["events"]) != TREE_EVENTS:
        raise SystemExit(f"The tree has {len(found['events'])} of {TREE_EVENTS} events.")
    _time(report, "tree_of_1000", api, f"correlations/{run}-0", {})


def _node(run: str, number: int, began: datetime) -> dict[str, Any]:
    return {
        "event_id": f"{run}-event-{number}",
        "timestamp": (began + timedelta(milliseconds=number)).isoformat(),
        "node_id": f"tree-{number % 20}",
        "event_type": "NODE_START",
        "schema_version": "1.1.0",
        "correlation_id": f"{run}-{number}",
        "parent_correlation_id": f"{run}-{(number - 1) // 10}" if number else None,
        "metadata": {"input_state": {}},
    }


def _signed_in(registry: Connection) -> httpx.Client:
    """A session of the administrator."""
    client = httpx.Client(
        base_url=registry.url, timeout=60, trust_env=False, headers={"Origin": registry.url}
    )
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/login").text)
    form = {"username": registry.login, "password": registry.password}
    answer = client.post("/login", data={**form, "csrfmiddlewaretoken": found[1] if found else ""})
    if not answer.is_redirect:
        raise SystemExit(f"Nobody could sign in: {answer.status_code}")
    return client
