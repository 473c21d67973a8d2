"""Readers that follow the log while eight writers commit late, roll back and overtake each other: none may miss a row.

BENCH_SECONDS is for how long; BENCH_SEED repeats a run. The same chase after positions that a sequence gives out shows
what such readers miss, and so that the harness would notice.
"""

import os
import random
import uuid

from benchmarks import harness, ingest_load
from benchmarks.harness import Report

SECONDS = 60.0
SIZES = (1, 100)


def measure(report: Report) -> None:
    seconds = float(os.environ.get("BENCH_SECONDS", SECONDS)) / (2 * len(SIZES))
    seed = int(os.environ.get("BENCH_SEED", random.randrange(10**6)))
    report.count("seed", seed)
    with harness.running_registry():
        os.environ.update(DATABASE_URL=harness.database_url(), DJANGO_SETTINGS_MODULE="registry.settings")
        import django

        django.setup()
        _chases(report, seconds, seed)


def _chases(report: Report, seconds: float, seed: int) -> None:
    from benchmarks.reader_skip import Ours, Plan, Sequence, chase

    for size in SIZES:
        plan = Plan(seconds=seconds, size=size, seed=seed)
        ours = chase(Ours(_event), plan)
        naive = Sequence()
        sequence = chase(naive, plan)
        naive.drop()
        for name, result in (("log", ours), ("sequence", sequence)):
            report.count(f"{name}_{size}_committed", result.committed)
            report.count(f"{name}_{size}_rolled_back", result.rolled_back)
            report.count(f"{name}_{size}_missed", result.missed)
            report.duration(f"{name}_{size}_seconds", result.seconds)
            report.metric(f"{name}_{size}_rows_per_s", result.committed / result.seconds, "rows/s")
        report.metric(f"sequence_{size}_missed_share", 100 * sequence.missed / sequence.committed, "%")
        if ours.missed or ours.disordered or not ours.committed:
            raise SystemExit(f"A reader of the log missed rows (BENCH_SEED={seed}): {ours}")
        if not sequence.missed:
            raise SystemExit(f"No reader of a sequence missed anything: this run proves nothing. {sequence}")


def _event(rnd: random.Random) -> dict[str, object]:
    """Under an id of its own: every chase begins with the same seed."""
    return {**ingest_load.onex_event("readers", rnd), "event_id": str(uuid.uuid4())}


if __name__ == "__main__":
    harness.main(measure)
