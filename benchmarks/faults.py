"""Fifty kills at random, of web server, workers, beat and PostgreSQL, during ingest and a replay.

BENCH_KILLS and BENCH_EVENTS say how many; BENCH_SEED repeats a run.
"""

import os
import random

from benchmarks import fault_run, harness
from benchmarks.harness import Report
from registry.local.demo.receiver import Receiver
from registry.local.home import home_named

KILLS, EVENTS, BATCH = 50, 400_000, 200


def measure(report: Report) -> None:
    seed = int(os.environ.get("BENCH_SEED", random.randrange(10**6)))
    print(f"BENCH_SEED={seed}", flush=True)
    report.count("seed", seed)
    with harness.running_registry() as registry:
        host, _, port = registry.receiver.rpartition(":")
        with Receiver(host, int(port)) as receiver:
            found = fault_run.run(
                home_named(),
                registry,
                receiver,
                events=int(os.environ.get("BENCH_EVENTS", EVENTS)),
                batch=BATCH,
                kills=int(os.environ.get("BENCH_KILLS", KILLS)),
                seed=seed,
            )
    if not found.ok:
        raise SystemExit(f"Something was lost, doubled or skipped (BENCH_SEED={seed}): {found}")
    for kind, times in sorted(found.killed.items()):
        report.count(f"killed_{kind.replace(' ', '_')}", times)
    report.count("sent", found.load.sent)
    report.count("acknowledged", found.load.acknowledged)
    report.count("stored", found.check.stored)
    report.count("stored_twice", found.check.twice)
    report.count("lost", found.check.lost)
    report.count("missed_by_reader", found.missed)
    report.count("replayed", found.replayed)
    report.count("replayed_again", found.repeated)
    report.duration("ingest_seconds", found.load.seconds)
    report.metric("ingest_with_kills_events_per_s", found.load.events_per_s, "events/s")


if __name__ == "__main__":
    harness.main(measure)
