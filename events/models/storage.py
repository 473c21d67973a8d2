"""How old events are kept: dictionaries, which partitions are compressed, and a field that reads what it finds."""

import threading
from typing import Any

from django.db import models
from django.db.models.functions import Now

from events.frames import Codec, dictionary_of, is_frame

_MOST_CODECS = 32
_thread = threading.local()


class Dictionary(models.Model):
    """What frames were made with. Its number stands in each of them and is never given twice; a row is never changed, and
    goes only when no partition names it."""

    number = models.BigIntegerField(primary_key=True)
    content = models.BinaryField()
    # How many events it was made of.
    trained_on = models.PositiveIntegerField()
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.number)


class ColdPartition(models.Model):
    """A daily partition that was compressed; one whose `dictionary` is null was decompressed, and stays so."""

    name = models.CharField(max_length=63, primary_key=True)
    day = models.DateField(unique=True)
    dictionary = models.ForeignKey(Dictionary, null=True, on_delete=models.PROTECT, related_name="partitions")
    events = models.BigIntegerField()
    last_position = models.BigIntegerField()
    # Of the whole partition with its indexes.
    bytes_before = models.BigIntegerField()
    bytes_after = models.BigIntegerField()
    # Of what the producers sent, and of the frames.
    raw_before = models.BigIntegerField()
    raw_after = models.BigIntegerField()
    # SHA-256 over all positions and exact bytes, in order: the same before and after.
    digest = models.BinaryField(max_length=32)
    seconds = models.FloatField()
    # How long readers and writers were kept out.
    locked_ms = models.FloatField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return self.name


def exact(stored: bytes | memoryview) -> bytes:
    """What the producer sent, of what the column `raw` holds: for queries that do not go through the model."""
    content = bytes(stored)
    return _codec(dictionary_of(content)).read(content) if is_frame(content) else content


def _codec(number: int) -> Codec:
    """Of this thread, because a codec serves one at a time."""
    codecs: dict[int, Codec] = _thread.__dict__.setdefault("codecs", {})
    if number not in codecs:
        if len(codecs) >= _MOST_CODECS:
            del codecs[next(iter(codecs))]
        codecs[number] = Codec(bytes(Dictionary.objects.get(pk=number).content))
    return codecs[number]


class ExactBytesField(models.BinaryField):  # type: ignore[type-arg]  # django-stubs gives it no parameters at run time
    """Bytes that were stored as they are, or as a frame; whoever reads them gets them as they were sent."""

    def from_db_value(self, value: bytes | memoryview | None, *_: Any) -> bytes | None:
        return None if value is None else exact(value)
