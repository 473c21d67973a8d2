"""Verdicts on random pairs, held against every instance of a fixed pool."""

import random

import pytest

from compat import SchemaError, check, compile_validator
from compat.algebra import covers
from compat.budget import Budget
from compat.inspection import opened
from compat.judge import Side
from compat.solver.nodes import World
from compat.solver.search import Search

from .random_schemas import INSTANCES, Maker

SEEDS = range(24)
PAIRS_PER_SEED = 25


def _pairs(seed: int):
    maker = Maker(random.Random(seed))
    for _ in range(PAIRS_PER_SEED):
        old = maker.schema(3)
        new = maker.neighbour(old, 2) if maker.pick.random() < 0.6 else maker.schema(3)
        yield old, new


@pytest.mark.parametrize("seed", SEEDS)
def test_no_compatible_verdict_is_refuted_by_an_instance(seed: int) -> None:
    for old, new in _pairs(seed):
        verdict = check(old, new, dialect="2020-12")
        if verdict.status == "compatible":
            writer, reader = (compile_validator(schema, dialect="2020-12") for schema in (old, new))
            lost = [x for x in INSTANCES if writer.is_valid(x) and not reader.is_valid(x)]
            assert lost == [], (old, new, verdict.proof)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_most_one_pair_in_twenty_is_undecided(seed: int) -> None:
    undecided = [pair for pair in _pairs(seed) if check(*pair, dialect="2020-12").status == "undecided"]
    assert len(undecided) <= PAIRS_PER_SEED // 20 + 1, undecided


@pytest.mark.parametrize("seed", SEEDS)
def test_every_schema_is_compatible_with_itself(seed: int) -> None:
    for old, _ in _pairs(seed):
        assert check(old, old, dialect="2020-12", mode="full").status == "compatible"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_declared_world_is_inside_the_open_one(seed: int) -> None:
    for old, new in _pairs(seed):
        if check(old, new, dialect="2020-12").status == "compatible":
            assert check(old, new, dialect="2020-12", world="declared").status != "incompatible", (old, new)


@pytest.mark.parametrize("seed", SEEDS)
def test_set_algebra_and_case_analysis_never_contradict_each_other(seed: int) -> None:
    for old, new in _pairs(seed):
        writer, reader = (Side(opened(s, dialect="2020-12"), p).normal for s, p in ((old, "o"), (new, "n")))
        world = World({**writer.definitions, **reader.definitions})
        try:
            found = Search(Budget()).find([(world.node(writer.root), True), (world.node(reader.root), False)])
        except Exception as end:  # noqa: BLE001 -- undecided is a legal answer
            assert type(end).__name__ in {"Exhausted", "OutOfSteps"}  # noqa: PT017
            continue
        if covers(reader, writer) is not None:
            assert covers(reader, writer) is (found is None), (old, new, found)


def test_the_pool_tells_schemas_apart() -> None:
    """The oracle above is worth something: it refutes a good part of the random pairs."""
    refuted = 0
    for old, new in (pair for seed in SEEDS for pair in _pairs(seed)):
        try:
            writer, reader = (compile_validator(schema, dialect="2020-12") for schema in (old, new))
        except SchemaError:
            continue
        refuted += any(writer.is_valid(x) and not reader.is_valid(x) for x in INSTANCES)
    assert refuted > len(SEEDS) * PAIRS_PER_SEED * 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_what_follows_keyword_by_keyword_is_refuted_by_no_instance(seed: int) -> None:
    for old, new in _pairs(seed):
        sides = [
            Side(opened(schema, dialect="2020-12"), prefix) for schema, prefix in ((old, "o"), (new, "n"))
        ]
        writer, reader = (side.normal for side in sides)
        world = World({**writer.definitions, **reader.definitions})
        if world.node(writer.root).implies(world.node(reader.root)):
            accepts, refuses = (compile_validator(schema, dialect="2020-12") for schema in (old, new))
            assert [x for x in INSTANCES if accepts.is_valid(x) and not refuses.is_valid(x)] == []
