"""Two hundred nodes that were offline send what they kept, all at once: whoever counts by arrival raises an alarm for most of them, and wrongly."""

import random
from datetime import timedelta

import pytest

from alerts.models import Episode
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db
NODES, OFFLINE, WINDOW, TOO_MANY = 200, 540, 60, 6
# So many of the nodes really fail too often within one window while they are offline.
FAILING = 15


def at(second):
    return NOON + timedelta(seconds=second)


def kept():
    """{node: seconds at which it failed while it was offline}, and the nodes of which six lie within a minute."""
    rnd = random.Random(22)
    failed = {}
    for number in range(NODES):
        node = f"node-{number:03}"
        # One in half a minute, more or less: never six within a minute.
        failed[node] = [30 * n + rnd.uniform(0, 10) for n in range(OFFLINE // 30)]
        if number < FAILING:
            begin = rnd.uniform(60, OFFLINE - 120)
            failed[node] += [begin + 5 * n for n in range(TOO_MANY)]
    return failed, {f"node-{number:03}" for number in range(FAILING)}


def flush(failed):
    """Every node in its own moment of the minute in which the network is back, and in any order within."""
    rnd = random.Random(23)
    rows = []
    for node, seconds in failed.items():
        back = OFFLINE + rnd.uniform(0, 30)
        rows += [Sent(node_id=node, occurred_at=at(second), received_at=at(back)) for second in seconds]
    rnd.shuffle(rows)
    store(rows)


def test_only_the_nodes_that_failed_too_often_when_they_did_are_told_of(make_rule, evaluate):
    make_rule(threshold=TOO_MANY, window_seconds=WINDOW, group_by=["node_id"])
    failed, truly = kept()
    # By arrival every node has sent more within a minute than it takes.
    assert all(len(seconds) >= TOO_MANY for seconds in failed.values())
    flush(failed)
    evaluate(at=OFFLINE + 31)
    told = set(Episode.objects.values_list("group__node_id", flat=True))
    assert told == truly


def test_nor_is_anything_missing_of_operations_that_were_kept_whole(make_rule, evaluate):
    make_rule(
        kind="missing",
        selector={"field": "event_type", "op": "eq", "value": "NODE_START"},
        then={"field": "event_type", "op": "eq", "value": "NODE_SUCCESS"},
        within_seconds=60,
        pair_by=["correlation_id"],
        group_by=["node_id"],
    )
    rnd = random.Random(24)
    rows = []
    for number in range(NODES):
        node, back = f"node-{number:03}", OFFLINE + rnd.uniform(0, 30)
        for operation in range(3):
            begin = rnd.uniform(0, OFFLINE - 60)
            for what, second in (("NODE_START", begin), ("NODE_SUCCESS", begin + 20)):
                rows.append(
                    Sent(
                        event_type=what,
                        node_id=node,
                        correlation_id=f"{node}-{operation}",
                        occurred_at=at(second),
                        received_at=at(back),
                    )
                )
    rnd.shuffle(rows)
    store(rows)
    for second in range(OFFLINE + 31, OFFLINE + 400, 60):
        evaluate(at=second)
    assert not Episode.objects.exists()
