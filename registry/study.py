"""Judges that go on after the upload was answered: one row each, worked on step by step, with its progress to be looked up.

settings.UPLOAD_STUDIES names, for a judge that can be stopped and gone on with, the function that does one step. A judge
without one is asked once more, with more time. Everything is durable in the row; a doorbell only wakes a worker.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from access import audit
from access.actor import Actor
from access.errors import ProductError
from access.leased import starter_of
from registry.check import judge_against
from registry.errors import StudyNotFound
from registry.judge import Finding, Proposal, only_looking
from registry.models import Study
from registry.references import ReferenceTo
from registry.signals import study_wanted
from registry.snapshot import look_at
from registry.upload import Upload, read_upload

_STEP_SECONDS = 2.0
# Longest statement of a step; the worker's lease is longer, so that no study has two.
_STATEMENT_MILLISECONDS = 20_000
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step came to; `memory` is handed to the next."""

    findings: list[Finding]
    memory: dict[str, Any]
    done: int
    total: int | None
    finished: bool


def start_studies(*, actor: Actor, upload: Upload, judges: Iterable[str]) -> list[Study]:
    """A study per judge about this upload; one that is running about the same already is taken."""
    studies: list[Study] = []
    for judge in judges:
        asked = Study(
            subject=upload.subject,
            judge=judge,
            digest=upload.digest,
            schema=upload.text.text,
            references=upload.resolved.as_stored(),
            created_by=actor.label,
            user=actor.user,
        )
        Study.objects.bulk_create([asked], ignore_conflicts=True)
        same = Study.objects.filter(subject=upload.subject, judge=judge, digest=upload.digest)
        studies += same.order_by("-pk")[:1]
    transaction.on_commit(partial(study_wanted.send, sender=Study))
    return studies


def going_on(study: Study) -> Finding:
    """What an upload's answer says about a study: where to look."""
    told = f"{study.judge} goes on in the background: study {study.pk}."
    return Finding("registry.study", "info", told, {"study": study.pk, "judge": study.judge})


def find_study(actor: Actor, study_id: int) -> Study:
    """Raises StudyNotFound, also for one about a subject that the actor may not read."""
    found = Study.objects.readable_by(actor).filter(pk=study_id).first()
    if found is None:
        raise StudyNotFound(study_id)
    return found


def cancel_study(*, actor: Actor, study_id: int) -> Study:
    """Ends it; what it found so far stays. Cancelling one that has ended changes nothing."""
    found = find_study(actor, study_id)
    actor.require("write", found.subject)
    with transaction.atomic():
        running = Study.objects.filter(pk=found.pk, state=Study.State.RUNNING)
        if running.update(state=Study.State.CANCELLED, epoch=F("epoch") + 1, finished_at=timezone.now()):
            audit.record(
                actor=actor,
                action="study.cancelled",
                target=f"subject/{found.subject}",
                details={"study": found.pk},
            )
    found.refresh_from_db()
    return found


def work_on_next(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Takes a study that waits, goes on with it for a while and gives it back; whether there was one."""
    study = Study.objects.take_next(_LEASE)
    if study is None:
        return False
    try:
        _go_on(study, stopping)
    except (ProductError, OperationalError) as problem:
        _end_badly(study, str(problem))
    except Exception:
        # A defect: the next turn would only meet it again.
        _end_badly(study, "The judge failed; the server's log says how.")
        raise
    return True


def _end_badly(study: Study, problem: str) -> None:
    study.mine().update(
        state=Study.State.FAILED, problem=problem[:1000], finished_at=timezone.now(), leased_until=None
    )


def _go_on(study: Study, stopping: Callable[[], bool]) -> None:
    proposal = _proposal(study)
    until = time.monotonic() + settings.STUDY_SLICE_SECONDS
    while True:
        with only_looking(_STATEMENT_MILLISECONDS):
            progress = _step(study, replace(proposal, deadline=time.monotonic() + _STEP_SECONDS))
        if not _checkpoint(study, progress) or progress.finished:
            return
        if stopping() or time.monotonic() > until:
            study.give_back()
            return


def _proposal(study: Study) -> Proposal:
    """What the judge was asked about, beside what is live now, by the rights that its starter has now."""
    actor = starter_of(study.user_id, study.created_by)
    references = [ReferenceTo(**reference) for reference in study.references]
    upload = read_upload(actor=actor, subject=study.subject, schema=study.schema, references=references)
    snapshot = look_at(upload)
    return Proposal(
        subject=study.subject,
        older=snapshot.older([row.pk for row in snapshot.live]),
        new=upload.document,
        verdict=judge_against(actor=actor, upload=upload),
        actor=actor,
        deadline=0.0,
    )


def _step(study: Study, proposal: Proposal) -> Progress:
    step = settings.UPLOAD_STUDIES.get(study.judge)
    if step is not None:
        progress: Progress = import_string(step)(proposal, study.memory)
        return progress
    patient = replace(proposal, deadline=time.monotonic() + settings.STUDY_SLICE_SECONDS)
    return Progress(import_string(study.judge)(patient), {}, 1, 1, finished=True)


def _checkpoint(study: Study, progress: Progress) -> bool:
    """False when somebody else owns it by now, or it was cancelled."""
    study.memory = progress.memory
    changed: dict[str, Any] = {
        "memory": progress.memory,
        "findings": [finding.as_dict() for finding in progress.findings],
        "done": progress.done,
        "total": progress.total,
        "leased_until": timezone.now() + _LEASE,
    }
    if progress.finished:
        changed |= {"state": Study.State.COMPLETED, "finished_at": Now(), "leased_until": None, "memory": {}}
    return bool(study.mine().update(**changed))
