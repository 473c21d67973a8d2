"""Who fetches which schema is counted in memory and written in batches."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError

from registry.fetches import Fetches, fetches, flush_regularly
from registry.lookup import find_version
from registry.models import Fetch
from tests.registry.conftest import ONE_FIELD
from tests.registry.test_fast_path import server  # noqa: F401 -- a fixture


@pytest.fixture(autouse=True)
def _nothing_counted(db):
    fetches.flush()
    Fetch.objects.all().delete()


def counted():
    return sorted(Fetch.objects.values_list("content_id", "client", "count"))


def test_every_way_to_fetch_counts_for_its_client(publish, owner, teammate, server):  # noqa: F811
    content_id = publish("team.s", ONE_FIELD, metadata={"properties": {"owner": "shop"}}).content_id
    number = find_version("team.s", "1").identity.number
    for address in (
        f"schemas/ids/{number}",
        f"schemas/ids/{number}/schema",
        f"schemas/ids/{number}?fetchMaxId=true",
        "subjects/team.s/versions/latest",
        "subjects/team.s/versions/1/schema",
        "subjects/team.s/metadata?key=owner&value=shop",
    ):
        assert owner.api.get(f"/api/v1/{address}").status_code == 200
    asked = {"schema": json.dumps(ONE_FIELD), "schemaType": "JSON"}
    assert owner.api.post("/api/v1/subjects/team.s", asked).status_code == 200
    for _ in range(3):
        server.get(number, teammate)
    assert server.behind.calls == 0
    assert counted() == []
    assert fetches.flush() == 2
    assert counted() == [(content_id, "owner/owner's token", 7), (content_id, "teammate/teammate's token", 3)]
    server.get(number, teammate)
    fetches.flush()
    again = Fetch.objects.get(client__startswith="teammate")
    assert (again.count, again.first_at < again.last_at) == (4, True)
    assert fetches.flush() == 0


def test_a_refused_fetch_does_not_count(publish, stranger, server):  # noqa: F811
    content_id = publish("team.s", ONE_FIELD).content_id
    server.get(content_id, stranger)
    stranger.api.get("/api/v1/subjects/team.s/versions/1")
    assert fetches.flush() == 0


def test_what_could_not_be_written_stays_for_the_next_batch(publish):
    content_id = publish("s", ONE_FIELD).content_id
    own = Fetches()
    own.note(content_id, "x" * 300)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            own.flush()
    assert Fetch.objects.count() == 0


def test_a_schema_that_is_gone_for_good_is_left_out(publish):
    own = Fetches()
    own.note(publish("s", ONE_FIELD).content_id, "ann")
    own.note(999_999_999, "ann")
    own.flush()
    assert Fetch.objects.count() == 1


def test_threads_lose_no_count(publish):
    content_id = publish("s", ONE_FIELD).content_id
    own = Fetches()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [own.note(content_id, "ann") for _ in range(500)], range(8)))
    own.flush()
    assert Fetch.objects.get().count == 4000


@pytest.mark.django_db(transaction=True)
def test_a_thread_of_the_process_writes_the_batches(publish):
    fetches.note(publish("s", ONE_FIELD).content_id, "ann")
    written, turns = threading.Event(), iter([False, True])

    def wait(_seconds):
        ended = next(turns)
        if ended:
            written.set()
        return ended

    flush_regularly(stopped=wait).join(timeout=20)
    assert written.is_set()
    assert Fetch.objects.get().count == 1
