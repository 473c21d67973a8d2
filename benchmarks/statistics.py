"""Statistics: how fast events are folded into roll-ups, and what pages cost when many were.

Events are written into the log of the benchmark's own registry as ingest writes them, and its own workers count them: some that arrived within
ten minutes, as under load, and a backlog of 30 days. That each is counted once is looked at before pages are timed. BENCH_EVENTS is
how many there are of each.
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

EVENTS = int(os.environ.get("BENCH_EVENTS", "200000"))
LIVE, BACKLOG = timedelta(minutes=10), timedelta(days=30)
PRODUCERS, BATCH = 5, 50_000
ASKED, WARM_UP = 40, 8
# Events of the ONEX types, judged by the versions that are in the catalogue; every third one is one of twenty.
_FILL = """
WITH kind AS (
    SELECT row_number() OVER (ORDER BY subject.name, version.number) - 1 AS number, count(*) OVER () AS kinds,
        subject.name, version.semver, version.content_id
    FROM registry_version AS version JOIN registry_subject AS subject ON subject.id = version.subject_id
    WHERE subject.name ~ '^(NODE|TELEMETRY)_'
), drawn AS (
    SELECT position, %(first)s::timestamptz + %(length)s * ((position - %(known)s)::float8 / %(events)s) AS received_at,
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
        _prepare(database)
        for name, length in (("live", LIVE), ("backlog", BACKLOG)):
            _fold(report, name, database, length)
        _verify(report, registry, database)
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


def _prepare(database: str) -> None:
    """A partition for each day of the backlog."""
    os.environ["DATABASE_URL"], os.environ["DJANGO_SETTINGS_MODULE"] = database, "registry.settings"
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import django

    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from events import partitions

    first = datetime.now(UTC) - BACKLOG
    partitions.prepare(first.date(), days=BACKLOG.days + 2)


def _fold(report: Report, name: str, database: str, length: timedelta) -> None:
    """Events of so long a time: the head of the log moves last, and from then on they are there for workers."""
    known = _head(database)
    with report.timed(f"fill_{name}_seconds"), psycopg.connect(database, autocommit=True) as session:
        for begin in range(known + 1, known + EVENTS + 1, BATCH):
            of_all = {
                "first": datetime.now(UTC) - length,
                "length": length,
                "events": EVENTS,
                "known": known,
                "begin": begin,
                "end": min(begin + BATCH - 1, known + EVENTS),
                "producers": PRODUCERS,
            }
            session.execute(_FILL, of_all)
        session.execute("ANALYZE events_event")
        session.execute("UPDATE events_loghead SET position = %s", [known + EVENTS])
    waited_since = time.perf_counter()
    while (position := _position(database)) <= known:
        time.sleep(0.02)
        if time.perf_counter() - waited_since > 60:
            raise SystemExit("Nobody counts the events.")
    began = time.perf_counter()
    while (now := _position(database)) < known + EVENTS:
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    report.count(f"folded_{name}", now - position)
    report.duration(f"fold_{name}_seconds", seconds)
    report.metric(f"fold_{name}_events_per_s", (now - position) / seconds, "events/s")


def _verify(report: Report, registry: Connection, database: str) -> None:
    (counted,) = harness.row(database, "SELECT sum(events) FROM events_statistic WHERE step = 86400")
    (stored,) = harness.row(database, "SELECT count(*) FROM events_event")
    if counted != stored:
        raise SystemExit(f"{counted} events were counted, and {stored} are stored.")
    with harness.api(registry) as api:
        if harness.told(api.get("statistics"))["not_counted_yet"]:
            raise SystemExit("All are counted, and the API says that some are not.")
    (rows,) = harness.row(database, "SELECT count(*) FROM events_statistic")
    (size,) = harness.row(database, "SELECT pg_total_relation_size('events_statistic')")
    report.count("events_stored", stored)
    report.count("statistic_rows", rows)
    report.metric("statistics_size", size / 2**20, "MiB")


def _head(database: str) -> int:
    return int(harness.row(database, "SELECT position FROM events_loghead")[0])


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
