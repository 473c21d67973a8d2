"""Partitions of old days are compressed; whoever reads their events notices nothing."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from zstandard import DICT_TYPE_FULLDICT, ZstdCompressionDict, ZstdCompressor, ZstdError

from access.actor import SYSTEM
from access.errors import Forbidden
from access.models import AuditEntry
from events import partitions
from events.cold import compress_next, compress_partition, decompress_partition, due
from events.errors import NotCompressible
from events.frames import Codec, dictionary_of, is_frame, train
from events.models import ColdPartition, Dictionary, Event, exact
from events.retention import apply_retention
from tests.conftest import Person
from tests.events.conftest import Publish, Send, event
from tests.events.days import TODAY, days_ago, move_all_to

pytestmark = pytest.mark.django_db
COLUMNS = [field.attname for field in Event._meta.fields if field.name not in {"raw", "document", "pk"}]


def odd_events() -> list[bytes]:
    """Bytes that nothing but bytes keeps as they are."""
    return [
        b'{ "event_id":"odd-1",  "event_type":"order.placed","node_id":"n","metadata":{"amount":3.10}}',
        b'{"event_id":"odd-2","event_type":"order.placed","node_id":"n","metadata":{"amount":18446744073709551616}}',
        b'{"event_id":"odd-3","event_type":"order.placed","node_id":"n","metadata":{"note":"a\\u0000b","amount":1}}',
        '{"event_id":"odd-4","event_type":"order.placed","node_id":"n","metadata":{"note":"\\u00e9é","amount":1e2}}'.encode(),
        b'{"event_id":"odd-5","event_type":"order.placed","node_id":"n","metadata":{"amount":1e99999}}',
    ]


@pytest.fixture
def old_day(orders: Any, send: Send) -> Callable[..., str]:
    """`old_day(30)`: 1,200 events that were received so many days ago, odd ones among them; the partition's name."""

    def old_day(ago: int, **members: Any) -> str:
        usual = [
            json.dumps(event(metadata={"amount": n, "note": f"of day {ago}, number {n}"}, **members)).encode()
            for n in range(1_200)
        ]
        odd = odd_events() if not Event.objects.filter(event_id="odd-1").exists() else []
        result = send(raw=b"\n".join([*usual, *odd]), content_type="application/x-ndjson")
        assert set(result.counts) <= {"stored", "stored_with_violations"}
        return move_all_to(days_ago(ago))

    return old_day


def columns() -> list[tuple[Any, ...]]:
    return list(Event.objects.order_by("position").values_list(*COLUMNS))


def stored() -> list[tuple[Any, ...]]:
    """The rows as PostgreSQL holds them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, raw, document::text FROM events_event ORDER BY position")
        return [(position, bytes(raw), document) for position, raw, document in cursor.fetchall()]


def test_what_was_sent_is_read_byte_for_byte_and_takes_a_fraction_of_the_space(old_day: Any) -> None:
    name = old_day(30)
    before, sent = columns(), dict(Event.objects.values_list("position", "raw"))
    done = compress_partition(actor=SYSTEM, name=name)
    assert columns() == before
    assert dict(Event.objects.values_list("position", "raw")) == sent
    assert done.raw_after * 3 < done.raw_before
    assert done.bytes_after < done.bytes_before
    kept = stored()
    assert sum(len(raw) for _, raw, _ in kept) == done.raw_after
    assert {document for _, _, document in kept} == {None}
    assert {position: exact(raw) for position, raw, _ in kept} == sent


def test_taking_it_back_gives_the_rows_as_they_were(old_day: Any) -> None:
    name = old_day(30)
    before, rows = columns(), stored()
    compress_partition(actor=SYSTEM, name=name)
    decompress_partition(actor=SYSTEM, name=name)
    assert (columns(), stored()) == (before, rows)
    assert Dictionary.objects.count() == 0
    assert due() == []
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "target"))[-2:]
    assert actions == [
        ("events.compressed", f"partition/{name}"),
        ("events.decompressed", f"partition/{name}"),
    ]
    assert compress_partition(actor=SYSTEM, name=name).dictionary is not None


def test_a_partition_has_its_indexes_and_statistics_afterwards(old_day: Any) -> None:
    name = old_day(30)
    with connection.cursor() as cursor:
        count = "SELECT count(*) FROM pg_indexes WHERE tablename = %s"
        cursor.execute(count, [name])
        before = cursor.fetchone()
        compress_partition(actor=SYSTEM, name=name)
        cursor.execute(count, [name])
        assert cursor.fetchone() == before
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [name])
        assert cursor.fetchone()[0] == pytest.approx(1_205, rel=0.01)
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhrelid = %s::regclass", [name])
        assert cursor.fetchone()[0] == 1
    assert name in partitions.existing()


def test_every_day_past_its_time_is_compressed_in_turn_the_oldest_first(old_day: Any, settings: Any) -> None:
    settings.EVENT_COLD_AFTER = timedelta(days=7)
    oldest, older = old_day(30), old_day(20)
    old_day(3)
    assert due() == [oldest, older]
    done = [compress_next(), compress_next(), compress_next()]
    assert [one and one.name for one in done] == [oldest, older, None]


def test_days_that_are_alike_share_a_dictionary(old_day: Any) -> None:
    for name in (old_day(30), old_day(20)):
        compress_partition(actor=SYSTEM, name=name)
    assert Dictionary.objects.count() == 1
    assert ColdPartition.objects.values("dictionary").distinct().count() == 1


def test_0_days_switch_it_off(old_day: Any, settings: Any) -> None:
    settings.EVENT_COLD_AFTER = timedelta(0)
    old_day(30)
    assert compress_next() is None


def test_a_day_with_few_events_stays_as_it_is(orders: Any, send: Send) -> None:
    send(event())
    name = move_all_to(days_ago(30))
    assert due() == []
    with pytest.raises(NotCompressible, match="fewer than"):
        compress_partition(actor=SYSTEM, name=name)


def test_the_day_that_is_under_way_stays_as_it_is() -> None:
    partitions.prepare()
    with pytest.raises(NotCompressible, match="a day that is over"):
        compress_partition(actor=SYSTEM, name=partitions.name_of(TODAY))


def test_retention_takes_compressed_days_and_dictionaries_that_nothing_needs(
    old_day: Any, settings: Any
) -> None:
    settings.EVENT_RETENTION = timedelta(days=40)
    name = old_day(50)
    compress_partition(actor=SYSTEM, name=name)
    assert apply_retention().partitions == (name,)
    assert (ColdPartition.objects.count(), Dictionary.objects.count()) == (0, 0)


def test_a_shorter_retention_reaches_into_compressed_days(old_day: Any, orders: Any) -> None:
    name = old_day(30)
    compress_partition(actor=SYSTEM, name=name)
    orders.retention_days = 10
    orders.save()
    assert apply_retention().events == 1_205
    assert Event.objects.count() == 0


def test_a_document_that_is_more_than_the_bytes_is_kept(publish: Publish, old_day: Any, send: Send) -> None:
    publish(
        "tool.ran",
        {"type": "object", "properties": {"execution_time_ms": {"type": "number"}}},
        "1.0.0",
        rename_aliases=True,
    )
    send(event("tool.ran", event_id="renamed", metadata={"duration_ms": 5}))
    compress_partition(actor=SYSTEM, name=old_day(30))
    assert Event.objects.get(event_id="renamed").document["metadata"] == {"execution_time_ms": 5}


def test_the_command_compresses_and_takes_back(old_day: Any, capsys: pytest.CaptureFixture[str]) -> None:
    old_day(30)
    call_command("compress_partition", str(days_ago(30)))
    call_command("compress_partition", str(days_ago(30)), "--undo")
    assert capsys.readouterr().out.count("1,205 events") == 2
    with pytest.raises(CommandError, match="is not compressed"):
        call_command("compress_partition", str(days_ago(30)), "--undo")


def test_only_who_administers_everything_may(old_day: Any, teammate: Person) -> None:
    with pytest.raises(Forbidden):
        compress_partition(actor=teammate.actor, name=old_day(30))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
LEARNT = train([json.dumps(event(metadata={"amount": n})).encode() for n in range(1_000)], 40_000)


@given(JSON_VALUES)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_an_event_holds_a_frame_gives_it_back(value: Any) -> None:
    assert LEARNT is not None
    raw = json.dumps({"metadata": value}, ensure_ascii=False).encode(errors="surrogatepass")
    packed = Codec(LEARNT).pack(raw)
    assert Codec(LEARNT).read(packed) == raw


HEXADECIMAL = st.text("0123456789abcdef", min_size=14, max_size=40)
IDS = st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()) | HEXADECIMAL | st.just("a" * 1_001)


@given(st.lists(IDS | st.sampled_from(["-", '", "', "\x01", "\x02"]), max_size=8).map("".join))
def test_identifiers_are_packed_as_bytes_and_come_back_as_they_were(text: str) -> None:
    assert LEARNT is not None
    packed = Codec(LEARNT).pack(text.encode())
    assert is_frame(packed)
    assert dictionary_of(packed) == 40_000
    assert Codec(LEARNT).read(packed) == text.encode()


def test_more_identifiers_than_their_length_can_say_stay_in_the_text() -> None:
    assert LEARNT is not None
    raw = "".join(str(uuid.UUID(int=number)) for number in range(5_000)).encode()
    assert Codec(LEARNT).read(Codec(LEARNT).pack(raw)) == raw


def test_an_identifier_takes_its_bytes_and_no_more() -> None:
    assert LEARNT is not None
    short, long = (
        json.dumps(event(metadata={"amount": 1, "note": " ".join(str(uuid.uuid4()) for _ in range(count))}))
        for count in (1, 11)
    )
    codec = Codec(LEARNT)
    assert len(codec.pack(long.encode())) - len(codec.pack(short.encode())) < 10 * 17.5


@pytest.mark.parametrize("at", [5, 12, 30, -3])
def test_a_damaged_row_is_not_taken_for_an_event(at: int) -> None:
    assert LEARNT is not None
    packed = bytearray(Codec(LEARNT).pack(json.dumps(event(trace_id="ab" * 16)).encode()))
    packed[at] ^= 0x40
    with pytest.raises(ZstdError):
        Codec(LEARNT).read(bytes(packed))


def test_frames_of_before_identifiers_were_taken_out_are_read() -> None:
    assert LEARNT is not None
    known = ZstdCompressionDict(LEARNT, dict_type=DICT_TYPE_FULLDICT)
    raw = json.dumps(event()).encode()
    frame = ZstdCompressor(dict_data=known, write_checksum=True).compress(raw)
    assert is_frame(frame)
    assert Codec(LEARNT).read(frame) == raw


@given(st.binary(max_size=3_000))
def test_a_frame_gives_back_any_bytes(raw: bytes) -> None:
    assert LEARNT is not None
    assert Codec(LEARNT).read(Codec(LEARNT).pack(raw)) == raw
