"""Generated profiles of a service: releases whose cost is known, because it was planted."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

STACKS = (
    (("main", "process", "hash_tree"), 0.55),
    (("main", "process", "read_file"), 0.25),
    (("main", "process"), 0.05),
    (("main", "report"), 0.15),
)


def profiles(
    seed: int,
    *,
    count: int,
    release: str,
    slower: float = 1.0,
    tail: float = 1.0,
    operation: str = "process_directory",
    until: datetime | None = None,
    sample_rate: float | None = None,
) -> Iterator[dict[str, Any]]:
    """Long-tailed durations around 100 ms, spread over the 5 days before `until`; every value times `slower`.

    One in twenty is `tail` times as long besides.
    """
    dice, end = random.Random(seed), until or datetime.now(UTC)
    for number in range(count):
        wall = dice.lognormvariate(4.6, 0.4) * slower * (tail if dice.random() < 0.05 else 1.0)
        cpu = wall * dice.uniform(0.6, 0.8)
        yield {
            "event_id": str(uuid.UUID(int=dice.getrandbits(128))),
            "timestamp": (end - timedelta(days=5) * dice.random()).isoformat(),
            "node_id": f"stamper_node-{number % 7:03}",
            "event_type": "PERFORMANCE_PROFILE",
            "schema_version": "1.1.0",
            "correlation_id": f"{release}-{seed}-{number // 4}",
            **({"sample_rate": sample_rate} if sample_rate else {}),
            "metadata": {
                "operation": operation,
                "execution_time_ms": round(wall, 3),
                "service": "stamper",
                "release": release,
                "stacks": [
                    {"frames": list(frames), "self_ms": round(wall * share, 3)} for frames, share in STACKS
                ],
                "performance_profile": {
                    "cpu_user_ms": round(cpu * 0.9, 3),
                    "cpu_system_ms": round(cpu * 0.1, 3),
                    "memory_peak_mb": round(dice.gauss(200, 10), 2),
                    "top_frames": [
                        {"function": frames[-1], "file": "stamper/tree.py", "self_ms": round(wall * share, 3)}
                        for frames, share in STACKS
                    ],
                },
            },
        }
