"""The worker's side of imports: one at a time, with a heartbeat that keeps the lease and shows how far it is."""

import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import IO, Self, cast

from django.db import OperationalError, connection
from django.utils import timezone

from access.errors import ProductError
from access.leased import starter_of
from registry.import_catalogue import import_catalogue
from registry.import_registry import Where, import_registry
from registry.import_report import Report
from registry.models import CatalogueImport
from registry.start_import import credentials_of

_LEASE = timedelta(seconds=60)
_BEAT_SECONDS = 1.0


class _Abandoned(Exception):
    """It was cancelled, somebody else has it, or this worker is to stop."""


def work_on_next(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Takes an import that waits and sees it through; whether there was one. Another worker's goes first."""
    row = _claim()
    if row is None:
        return False
    try:
        with _Heartbeat(row, stopping) as beat:
            report = _run(row, beat)
    except _Abandoned:
        # Who goes on finds what came in so far.
        row.give_back()
        return False
    except (ProductError, OperationalError) as problem:
        _end(row, state=CatalogueImport.State.FAILED, problem=str(problem)[:2000])
    except Exception:
        _end(row, state=CatalogueImport.State.FAILED, problem="The import failed; the server's log says how.")
        raise
    else:
        _end(row, state=CatalogueImport.State.COMPLETED, report=report.as_dict())
    return True


def _claim() -> CatalogueImport | None:
    if CatalogueImport.objects.worked_on().exists():
        return None
    return CatalogueImport.objects.take_next(_LEASE)


def _end(row: CatalogueImport, **ended: object) -> None:
    # A dry run's archive and secret are kept, in case it is wanted for real.
    kept = row.dry_run and ended["state"] == CatalogueImport.State.COMPLETED
    gone = {} if kept else {"secret": ""}
    if row.mine().update(finished_at=timezone.now(), leased_until=None, **gone, **ended) and not kept:
        row.parts.all().delete()


def _run(row: CatalogueImport, beat: "_Heartbeat") -> Report:
    actor = starter_of(row.user_id, row.created_by)
    if row.kind == CatalogueImport.Kind.REGISTRY:
        where = Where(row.source, row.options["subject_prefix"], row.options["into"])
        return import_registry(
            actor=actor, where=where, credentials=credentials_of(row), dry_run=row.dry_run, progress=beat.show
        )
    with tempfile.TemporaryFile(prefix="onex-import-") as file:
        for part in row.parts.iterator(chunk_size=4):
            file.write(part.body)
        file.seek(0)
        archive = cast("IO[bytes]", file)
        return import_catalogue(actor=actor, file=archive, dry_run=row.dry_run, progress=beat.show)


class _Heartbeat:
    """On a connection of its own: the import may be within a transaction that nobody else can look into."""

    def __init__(self, row: CatalogueImport, stopping: Callable[[], bool]) -> None:
        self._row = row
        self._stopping = stopping
        self._shown = ("", 0, None)  # type: tuple[str, int, int | None]
        self._lost = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="import heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def show(self, step: str, done: int, total: int) -> None:
        """Raises _Abandoned when there is no sense in going on."""
        self._shown = (step, done, total)
        if self._lost.is_set() or self._stopping():
            raise _Abandoned

    def _beat(self) -> None:
        try:
            while not self._over.wait(_BEAT_SECONDS):
                self._write()
            self._write()
        finally:
            connection.close()

    def _write(self) -> None:
        step, done, total = self._shown
        told = {"step": step, "done": done, "total": total, "leased_until": timezone.now() + _LEASE}
        try:
            if not self._row.mine().update(**told):
                self._lost.set()
        except OperationalError:
            # The next beat tries again; the lease is longer than many of them.
            return
