"""Statistics: how fast events are folded into roll-ups, and what pages cost when many were.

The events are written into the log of the benchmark's own registry as ingest writes them, over 30 days, and its own
workers count them. That each is counted once is looked at before anything is timed. BENCH_EVENTS is how many there are.
"""

import logging
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from benchmarks import harness
from benchmarks.harness import Report
from registry.local.connection import Connection

EVENTS = int(os.environ.get("BENCH_EVENTS", "300000"))
DAYS, PRODUCERS, BATCH = 30, 5, 100_000
ASKED, WARM_UP = 60, 10
# Events of the ONEX types, judged by the versions that are in the catalogue; every third one is one of twenty.
_FILL = """
WITH kind AS (
    SELECT row_number() OVER (ORDER BY subject.name, version.number) - 1 AS number, count(*) OVER () AS kinds,
        subject.name, version.semver, version.content_id
    FROM registry_version AS version JOIN registry_subject AS subject ON subject.id = version.subject_id
    WHERE subject.name ~ '^(NODE|TELEMETRY)_'
), drawn AS (
    SELECT position, %(first)s::timestamptz + %(length)s * (position::float8 / %(events)s) AS received_at,
        random() AS late, random() AS chance
    FROM generate_series(%(begin)s, %(end)s) AS position
)
INSERT INTO events_event (position, received_at, occurred_at, event_id, event_type, schema_version, content_id, node_id,
    correlation_id, sample_rate, violations, raw, document, producer)
SELECT position, received_at, received_at - interval '10 s' * late, 'e' || position, kind.name, kind.semver, content_id,
    'node-' || position %% 200, 'c' || position / 8, CASE WHEN position %% 3 = 0 THEN 0.05 ELSE 1 END,
    CASE WHEN chance < 0.01 THEN '[{"code": "x", "pointer": "", "keyword": "type", "message": ""}]'::jsonb END,
    convert_to(repeat('x', 300 + (chance * 400)::int), 'UTF8'),
    jsonb_build_object('metadata', jsonb_build_object('execution_time_ms', round((exp(late * 8))::numeric, 3),
        'input_state', repeat('y', 200))),
    'service-' || position %% %(producers)s || '/token'
FROM drawn JOIN kind ON kind.number = position %% kind.kinds
"""


def measure(report: Report) -> None:
    with harness.running_registry() as registry:
        database = harness.database_url()
        known = harness.row(database, "SELECT position FROM events_loghead")[0]
        with report.timed("fill_seconds"):
            _fill(database, known)
        _fold(report, registry, database, known)
        with httpx.Client(headers={"Authorization": f"Bearer {registry.token}"}, timeout=60) as client:
            for span in ("24h", "7d", "30d"):
                _time(report, client, f"all_{span}", f"{registry.api}/statistics?range={span}")
                _time(
                    report, client, f"subject_{span}", f"{registry.api}/statistics/NODE_SUCCESS?range={span}"
                )
        with httpx.Client(base_url=registry.url, timeout=60, follow_redirects=True) as browser:
            _sign_in(browser, registry)
            for span in ("24h", "7d", "30d"):
                _time(report, browser, f"page_all_{span}", f"/statistics?range={span}")
                _time(report, browser, f"page_subject_{span}", f"/statistics/NODE_SUCCESS?range={span}")


def _fill(database: str, known: int) -> None:
    """The partitions first, then the events, and the head of the log last: from then on they are there for workers."""
    os.environ["DATABASE_URL"], os.environ["DJANGO_SETTINGS_MODULE"] = database, "registry.settings"
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import django

    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from events import partitions

    first = datetime.now(UTC) - timedelta(days=DAYS)
    partitions.prepare(first.date(), days=DAYS + 2)
    with psycopg.connect(database, autocommit=True) as session:
        for begin in range(known + 1, known + EVENTS + 1, BATCH):
            session.execute(
                _FILL,
                {
                    "first": first,
                    "length": timedelta(days=DAYS),
                    "events": known + EVENTS,
                    "begin": begin,
                    "end": min(begin + BATCH - 1, known + EVENTS),
                    "producers": PRODUCERS,
                },
            )
        session.execute("ANALYZE events_event")
        session.execute("UPDATE events_loghead SET position = %s", [known + EVENTS])


def _fold(report: Report, registry: Connection, database: str, known: int) -> None:
    began = time.perf_counter()
    while (position := _position(database)) <= known:
        time.sleep(0.05)
        if time.perf_counter() - began > 60:
            raise SystemExit("Nobody counts the events.")
    began = time.perf_counter()
    while (now := _position(database)) < known + EVENTS:
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    (counted,) = harness.row(database, "SELECT sum(events) FROM events_statistic WHERE step = 86400")
    (stored,) = harness.row(database, "SELECT count(*) FROM events_event")
    if counted != stored:
        raise SystemExit(f"{counted} events were counted, and {stored} are stored.")
    (rows,) = harness.row(database, "SELECT count(*) FROM events_statistic")
    (size,) = harness.row(database, "SELECT pg_total_relation_size('events_statistic')")
    report.count("events_folded", now - position)
    report.count("statistic_rows", rows)
    report.duration("fold_seconds", seconds)
    report.metric("fold_events_per_s", (now - position) / seconds, "events/s")
    report.metric("statistics_size", size / 2**20, "MiB")
    with harness.api(registry) as api:
        if harness.told(api.get("statistics"))["not_counted_yet"]:
            raise SystemExit("All are counted, and the API says that some are not.")


def _position(database: str) -> int:
    return int(harness.row(database, "SELECT position FROM events_statisticscursor")[0])


def _sign_in(browser: httpx.Client, registry: Connection) -> None:
    browser.get("/login")
    token = next(value for name, value in browser.cookies.items() if "csrf" in name)
    asked = {"username": registry.login, "password": registry.password, "csrfmiddlewaretoken": token}
    browser.post("/login", data=asked, headers={"Referer": registry.url}).raise_for_status()


def _time(report: Report, client: httpx.Client, name: str, address: str) -> None:
    answer = client.get(address).raise_for_status()
    if "NODE_SUCCESS" not in answer.text:
        raise SystemExit(f"{address} says nothing of what was sent.")
    milliseconds = []
    for _ in range(WARM_UP + ASKED):
        began = time.perf_counter()
        client.get(address).raise_for_status()
        milliseconds.append((time.perf_counter() - began) * 1000)
    report.metric(f"{name}_p50", statistics.median(milliseconds[WARM_UP:]), "ms")
    report.metric(f"{name}_p99", statistics.quantiles(milliseconds[WARM_UP:], n=100)[98], "ms")


if __name__ == "__main__":
    harness.main(measure)
