"""Search at 20,000 versions: what people and programs ask, over HTTP, with the time that each question takes.

The catalogue is written into the benchmark's own registry as publishing writes it, without the verdicts, which take
most of the time of publishing and none of searching. Every question's answer is checked before it is timed.
"""

import hashlib
import json
import logging
import os
import statistics
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

from benchmarks import harness, material
from benchmarks.harness import Report
from registry.local.connection import Connection
from registry.local.home import DATABASE_URL_FILE, home_named

VERSIONS = int(os.environ.get("BENCH_VERSIONS", "20000"))
ASKED = 200
# The client keeps its connection, so that one web worker answers: enough that each of its database connections knows the question.
WARM_UP = 10
BATCH = 500
# Name → what is asked, and a fact about the answer that has to hold.
QUESTIONS: dict[str, tuple[str, dict[str, str], Any]] = {
    "field_and_type": ("search", {"q": "field:user_id:string"}, lambda found: found["count"] > 0),
    "one_word": ("search", {"q": "invoice"}, lambda found: found["more"]),
    "three_words": ("search", {"q": "order placed shipping"}, lambda found: found["count"] > 0),
    "rare_word": ("search", {"q": "added_4242"}, lambda found: found["count"] >= 1),
    "tag_and_subject": ("search", {"q": "tag:pii subject:shop.*"}, lambda found: found["count"] > 0),
    "type_everywhere": ("search", {"q": "type:string"}, lambda found: found["more"]),
    "not_a_field": ("search", {"q": "-field:user_id order"}, lambda found: found["more"]),
    "every_version": ("search", {"q": "field:user_id", "versions": "all"}, lambda found: found["more"]),
    "last_page": ("search", {"q": "type:string", "offset": "975"}, lambda found: len(found["results"]) == 25),
    "list_by_name": ("subjects", {"limit": "50", "offset": "5000"}, lambda found: len(found) == 50),
}


def measure(report: Report) -> None:
    with harness.running_registry() as registry:
        with report.timed("fill_seconds"):
            _fill()
        report.count("versions", VERSIONS)
        with httpx.Client(headers={"Authorization": f"Bearer {registry.token}"}, timeout=60) as client:
            for name, question in QUESTIONS.items():
                _time(report, client, registry, name, question)
            _similar(report, client, registry)


def _time(
    report: Report,
    client: httpx.Client,
    registry: Connection,
    name: str,
    question: tuple[str, dict[str, str], Any],
) -> None:
    path, asked, holds = question
    if not holds(client.get(f"{registry.api}/{path}", params=asked).raise_for_status().json()):
        raise SystemExit(f"{name} answers something else than is known: {asked}")
    seconds = [_seconds(client, f"{registry.api}/{path}", asked) for _ in range(WARM_UP + ASKED)]
    _report(report, name, seconds[WARM_UP:])


def _similar(report: Report, client: httpx.Client, registry: Connection) -> None:
    names = client.get(f"{registry.api}/subjects", params={"limit": str(ASKED)}).json()
    addresses = [f"{registry.api}/subjects/{name}/versions/latest/similar" for name in names]
    if not client.get(addresses[0]).raise_for_status().json()["results"]:
        raise SystemExit("A schema with common names has no similar ones.")
    for address in addresses[:WARM_UP]:
        _seconds(client, address, {})
    _report(report, "similar", [_seconds(client, address, {}) for address in addresses])


def _seconds(client: httpx.Client, address: str, asked: dict[str, str]) -> float:
    began = time.perf_counter()
    client.get(address, params=asked).raise_for_status()
    return time.perf_counter() - began


def _report(report: Report, name: str, seconds: list[float]) -> None:
    report.metric(f"{name}_p50", statistics.median(seconds) * 1000, "ms")
    report.metric(f"{name}_p99", statistics.quantiles(seconds, n=100)[98] * 1000, "ms")
    report.count(f"{name}_requests", len(seconds))


def _fill() -> None:
    os.environ["DATABASE_URL"] = (home_named() / DATABASE_URL_FILE).read_text(encoding="ascii").strip()
    os.environ["DJANGO_SETTINGS_MODULE"] = "registry.settings"
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import django

    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from django.db import connection, transaction

    waiting = list(material.uploads(VERSIONS))
    for start in range(0, len(waiting), BATCH):
        with transaction.atomic():
            for upload in waiting[start : start + BATCH]:
                _publish(upload)
        print(f"\r{min(start + BATCH, len(waiting)):,} of {len(waiting):,} versions", end="", file=sys.stderr)
    print(file=sys.stderr)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _publish(upload: material.Upload) -> None:
    from registry.index import index_version
    from registry.models import Content, SchemaId, Subject, Version

    subject, new = Subject.objects.get_or_create(name=upload.subject)
    digest = hashlib.sha256(upload.schema.encode()).digest()
    guid = uuid.UUID(bytes=digest[:16], version=5)
    content = Content.objects.create(digest=digest, text=upload.schema, dialect="draft-07", guid=guid)
    identity = SchemaId.objects.create(
        context=".", number=content.pk, content=content, digest=digest, guid=guid
    )
    version = Version.objects.create(
        subject=subject,
        number=1 if new else 2,
        content=content,
        identity=identity,
        semver="1.0.0" if new else "1.1.0",
        metadata=upload.metadata,
        published_by="benchmark",
    )
    index_version(version, json.loads(upload.schema))


if __name__ == "__main__":
    harness.main(measure)
