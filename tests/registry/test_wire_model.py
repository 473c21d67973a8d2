"""A thousand random operations answer as a small reference model of Confluent's rules says they must."""

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.registry.reference_model import OK, Registry
from tests.registry.wire import BASE

NAMES = ["a", ":.room:b"]
EXAMPLES, STEPS = 30, 40
names, bounds, numbers = st.sampled_from(NAMES), st.integers(1, 4), st.integers(1, 4)
levels = st.sampled_from(
    ["NONE", "BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"]
)
done: list[int] = []


def schema(bound):
    return {"schema": json.dumps({"type": "integer", "maximum": bound}), "schemaType": "JSON"}


class Operations(RuleBasedStateMachine):
    """Every rule asks both, and compares; every subject is compared in full after each."""

    api: Any = None

    def __init__(self):
        super().__init__()
        self.model = Registry()
        self.block = transaction.atomic()
        self.block.__enter__()

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def ask(self, method, path, body=None, **query):
        flags = "&".join(f"{name}={str(value).lower()}" for name, value in query.items())
        answer = getattr(self.api, method)(f"{BASE}/{path}?{flags}", body)
        code = OK if answer.status_code == 200 else answer.json()["error_code"]
        assert code == OK or code // 100 == answer.status_code
        done.append(code)
        return code, answer.json() if code == OK else None

    @initialize(widening=st.lists(st.tuples(names, bounds), min_size=3, max_size=6))
    def begin_with_something(self, widening):
        for name, bound in sorted(widening):
            self.register(name, bound)

    @rule(name=names, bound=bounds)
    def register(self, name, bound):
        code, said = self.ask("post", f"subjects/{name}/versions", schema(bound))
        expected, meant = self.model.register(name, bound)
        assert code == expected
        if code == OK:
            schema_id, number = meant
            assert (said["version"], said["id"]) == (number, schema_id or said["id"])
            self.model.store(name, number, bound, said["id"])

    @rule(name=names, bound=bounds, schema_id=st.integers(900_001, 900_003), number=numbers)
    def import_(self, name, bound, schema_id, number):
        body = schema(bound) | {"id": schema_id, "version": number}
        code, said = self.ask("post", f"subjects/{name}/versions", body)
        expected, meant = self.model.import_(name, bound, schema_id, number)
        assert code == expected
        if code == OK:
            assert (said["id"], said["version"]) == meant
            self.model.store(name, number, bound, schema_id, imported=True)

    @rule(name=names, bound_of=st.permutations([1, 2, 3, 4]), numbers=st.permutations([1, 2, 3, 4]))
    def import_several_under_few_ids(self, name, bound_of, numbers):
        self.set_or_unset_mode(name, "IMPORT", force=True)
        for bound, number in zip(bound_of[:3], numbers[:3], strict=True):
            self.import_(name, bound, 900_001 + number % 2, number)
        self.set_or_unset_mode(name, None, force=False)

    @rule(name=names, bound=bounds, deleted=st.booleans())
    def lookup(self, name, bound, deleted):
        code, said = self.ask("post", f"subjects/{name}", schema(bound), deleted=deleted)
        assert (code, said and said["version"]) == self.model.lookup(name, bound, deleted=deleted)

    @rule(name=names, bound=bounds, wanted=st.sampled_from(["", "/latest", "/1", "/2", "/3"]))
    def check(self, name, bound, wanted):
        code, said = self.ask("post", f"compatibility/subjects/{name}/versions{wanted}", schema(bound))
        assert (code, said and said["is_compatible"]) == self.model.check(name, bound, wanted.strip("/"))

    @rule(name=names, permanent=st.booleans())
    def delete_subject(self, name, permanent):
        assert self.ask("delete", f"subjects/{name}", permanent=permanent) == self.model.delete_subject(
            name, permanent=permanent
        )

    @rule(name=names, number=numbers)
    def delete_version_in_both_steps(self, name, number):
        self.delete_version(name, number, permanent=False)
        self.delete_version(name, number, permanent=True)

    @rule(name=names, number=numbers, permanent=st.booleans())
    def delete_version(self, name, number, permanent):
        said = self.ask("delete", f"subjects/{name}/versions/{number}", permanent=permanent)
        assert said == self.model.delete_version(name, number, permanent=permanent)

    @rule(target_name=names, bound=bounds)
    def refer(self, target_name, bound):
        """A subject of its own kind refers to the latest version; it only grows, and goes softly."""
        live = self.model.at(target_name).live
        reference = {"name": "n", "subject": target_name, "version": max(live, default=1)}
        body = {"schema": json.dumps({"$ref": "n", "title": str(bound)}), "references": [reference]}
        referrer = f"user{bound}"
        if self.model.at(referrer).live or self.model.mode_of(referrer) != "READWRITE":
            return
        code, said = self.ask("post", f"subjects/{referrer}/versions", body)
        assert code == (OK if live else 42201)
        if code == OK:
            number = self.model.at(referrer).next_number
            assert said["version"] == number
            self.model.store(referrer, number, -said["id"], said["id"])
            self.model.references[referrer, number] = (target_name, max(live))

    @rule(bound=bounds, permanent=st.booleans())
    def delete_referrer(self, bound, permanent):
        self.delete_subject(f"user{bound}", permanent)

    @rule(name=names, level=levels | st.none())
    def set_or_unset_level(self, name, level):
        if level:
            code, said = self.ask("put", f"config/{name}", {"compatibility": level})
            assert (code, said and said["compatibility"]) == self.model.set_level(name, level)
        else:
            code, said = self.ask("delete", f"config/{name}")
            assert (code, said and said["compatibilityLevel"]) == self.model.unset_level(name)

    @rule(
        name=names, mode=st.sampled_from(["READWRITE", "READONLY", "IMPORT", None, None]), force=st.booleans()
    )
    def set_or_unset_mode(self, name, mode, force):
        if mode:
            code, said = self.ask("put", f"mode/{name}", {"mode": mode}, force=force)
            assert (code, said and said["mode"]) == self.model.set_mode(name, mode, force=force)
        else:
            code, said = self.ask("delete", f"mode/{name}")
            assert (code, said and said["mode"]) == self.model.unset_mode(name)

    @rule(level=levels, mode=st.sampled_from(["READWRITE", "READWRITE", "READONLY"]))
    def set_what_holds_for_all(self, level, mode):
        code, _ = self.ask("put", "config", {"compatibility": level})
        assert code == (42205 if self.model.mode == "READONLY" else OK)
        if code == OK:
            self.model.level = level
        assert self.ask("put", "mode", {"mode": mode}) == (OK, {"mode": mode})
        self.model.mode = mode

    @invariant()
    def the_same_is_there(self):
        listed = self.api.get(f"{BASE}/schemas?subjectPrefix=:*:&deleted=true").json()
        assert {(s["subject"], s["version"], s["id"], s.get("deleted", False)) for s in listed} == {
            (name, number, version.schema_id, version.deleted)
            for name, subject in self.model.subjects.items()
            for number, version in subject.versions.items()
        }


@pytest.mark.timeout(400)
def test_random_operations_answer_as_the_reference_model(owner):
    done.clear()
    Operations.api = owner.api
    run_state_machine_as_test(
        Operations,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert len(done) >= 1_000
    # They were worth asking: every rule of the model has spoken.
    assert {OK, 40401, 40402, 40403, 40404, 40405, 40406, 40407, 40408, 40409, 40901} <= set(done)
    assert {42201, 42205, 42206, 42207} <= set(done)
