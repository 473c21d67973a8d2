"""Several processes answer for one registry: what one of them learns holds in all, and killing them breaks nothing."""

import itertools
import json
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Lock

import httpx
import psycopg
import pytest

from registry.local import connection
from registry.local.home import DATABASE_URL_FILE
from tests.journeys.conftest import client_of
from tests.onex import ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
UPLOADS = 50
# All workers of the web server are killed whenever so many uploads were answered.
KILL_AT = (3, 15, 30)


def workers_of(home):
    """The processes that answer requests; Python's own resource tracker is not one, nor is one that was just killed."""
    web = connection.find(home).pids["web"]
    children = Path(f"/proc/{web}/task/{web}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children if _answers(child)]


def _answers(child):
    try:
        words = Path(f"/proc/{child}/cmdline").read_bytes()
    except OSError:
        return False
    return bool(words) and b"resource_tracker" not in words


# --- conflicting uploads ----------------------------------------------------------------------


def test_fifty_conflicting_uploads_and_killed_workers_leave_consecutive_versions(home, registry, api):
    """Half of them want a number where the others want a text: whoever is first decides for all."""
    subject, begin, killing = "killed.uploads", Barrier(UPLOADS), Lock()
    answered, killed, lost = Counter(), [], Counter()

    def upload(n):
        begin.wait()
        wanted = {"type": "string" if n % 2 else "integer"}
        schema = {"type": "object", "properties": {"a": wanted}, "title": f"number {n}"}
        status, asked = until(lambda: _sent(registry, subject, schema, lost, n), 120, pause=0.25)
        with killing:
            answered[status] += 1
            if answered.total() in KILL_AT:
                killed.extend(_kill(workers_of(home)))
        return wanted["type"], status, asked

    with ThreadPoolExecutor(UPLOADS) as pool:
        outcomes = list(pool.map(upload, range(UPLOADS)))

    assert len(killed) >= len(KILL_AT)
    assert lost.total() > 0, "no upload was under way when its worker was killed"
    first = {kind for kind, status, _ in outcomes if status == 200}
    assert len(first) == 1
    assert answered == {200: UPLOADS // 2, 409: UPLOADS // 2}
    numbers = ok(api.get(f"subjects/{subject}/versions"))
    assert numbers == list(range(1, UPLOADS // 2 + 1))
    assert sorted(body["version"] for _, status, body in outcomes if status == 200) == numbers
    _assert_consistent(home, subject, UPLOADS // 2)


def _sent(registry, subject, schema, lost, n):
    """(status, body), or None when the upload has to be sent again, as clients do."""
    try:
        with client_of(registry) as client:
            answer = client.post(f"subjects/{subject}/versions", json={"schema": json.dumps(schema)})
    except httpx.TransportError:
        lost[n] += 1
        return None
    if answer.status_code == 503:
        return None
    assert answer.status_code in {200, 409}, answer.text
    return answer.status_code, answer.json()


def _kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def _assert_consistent(home, subject, count):
    """Every version was judged beside the one before it, is named after it, and is in the audit log once."""
    with psycopg.connect((home / DATABASE_URL_FILE).read_text(encoding="utf-8").strip()) as database:
        versions = database.execute(
            "SELECT number, semver, verdict FROM registry_version JOIN registry_subject subject"
            " ON subject.id = subject_id WHERE subject.name = %s ORDER BY number",
            [subject],
        ).fetchall()
        told = database.execute(
            "SELECT details -> 'version' FROM access_auditentry WHERE action = 'version.published' AND target = %s",
            [f"subject/{subject}"],
        ).fetchall()
    assert [semver for _, semver, _ in versions] == [f"1.0.{n}" for n in range(count)]
    assert [verdict["status"] for _, _, verdict in versions] == ["first"] + ["compatible"] * (count - 1)
    for (before, _, _), (_, _, verdict) in itertools.pairwise(versions):
        assert [pair["version"] for pair in verdict["against"]] == [before]
    assert sorted(number for (number,) in told) == list(range(1, count + 1))


# --- reads by id ------------------------------------------------------------------------------


@pytest.mark.parametrize("context", ["", "contexts/.fast/"])
def test_reads_by_id_are_fast_in_every_worker_until_the_schema_is_deleted_for_good(
    home, registry, api, context
):
    subject = f"{context}subjects/fast.reads"
    schema = {"schema": json.dumps({"type": "object", "title": f"read fast {context}"})}
    number = ok(api.post(f"{subject}/versions", json=schema))["id"]
    address = f"{context}schemas/ids/{number}"
    workers = until(lambda: len(found := workers_of(home)) > 1 and found, 60)

    for worker in workers:
        # Not at once: a first request that takes longer than a client waits makes the next one go the long way.
        until(lambda worker=worker: fetched_from(registry, worker, workers, address) == (200, True), 60)
    for query in ("", "?permanent=true"):
        ok(api.delete(f"{subject}{query}"))
        if not query:
            # Softly deleted, the id goes on meaning its schema.
            assert {fetched_from(registry, worker, workers, address)[0] for worker in workers} == {200}
    for worker in workers:
        until(lambda worker=worker: fetched_from(registry, worker, workers, address)[0] == 404)
    again = ok(api.post(f"{subject}/versions", json=schema))
    assert again["version"] == 1
    fresh = f"{context}schemas/ids/{again['id']}"
    for worker in workers:
        until(lambda worker=worker: fetched_from(registry, worker, workers, fresh) == (200, True))


def test_a_worker_that_comes_after_a_killed_one_is_as_fast_and_knows_what_was_deleted(home, registry, api):
    kept, gone = (
        ok(
            api.post(
                f"subjects/fast.{name}/versions",
                json={"schema": json.dumps({"type": "object", "title": f"fast {name}"})},
            )
        )["id"]
        for name in ("kept", "gone")
    )
    for query in ("", "?permanent=true"):
        ok(api.delete(f"subjects/fast.gone{query}"))
    before = until(lambda: len(found := workers_of(home)) > 1 and found, 60)
    _kill(before[:1])
    workers = until(lambda: len(found := workers_of(home)) == len(before) and found != before and found, 60)
    (new,) = {*workers} - {*before}
    # It takes its first connection when it has loaded the product.
    until(lambda: fetched_from(registry, new, workers, f"schemas/ids/{kept}") == (200, True), 60)
    assert fetched_from(registry, new, workers, f"schemas/ids/{gone}")[0] == 404


def fetched_from(registry, worker, workers, address):
    """(status, whether it came by the fast path): asked of this one worker, while the others stand still."""
    with standing_still({*workers} - {worker}):
        answer = until(lambda: _answer(registry, address), 60)
    # Django gives every request an id; the fast path is in front of it.
    return answer.status_code, "x-request-id" not in answer.headers


def _answer(registry, address):
    """None when the system gave the connection to one that stands still."""
    with client_of(registry) as client:
        try:
            return client.get(address, timeout=0.5)
        except httpx.TransportError:
            return None


@contextmanager
def standing_still(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
