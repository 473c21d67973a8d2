"""An incompatible or major upload of a subject that asks for it waits for a second person."""

import json

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from access.actor import SYSTEM
from access.errors import Forbidden
from access.models import AuditEntry
from registry.approve import approve, reject
from registry.delete import delete_version
from registry.errors import (
    AlreadyDecided,
    ApprovalNotFound,
    ApprovalOutdated,
    ApprovalRequired,
    OwnApproval,
    VersionTooLow,
)
from registry.lookup import find_version
from registry.models import Approval, Subject, Version
from registry.publish import publish_version
from tests.registry.conftest import A_REQUIRED, ONE_FIELD, OTHER_TYPE, TWO_FIELDS
from tests.registry.test_concurrent_uploads import at_once


@pytest.fixture
def second(make_person):
    """A second person who may write to everything."""
    return make_person("second", role="developer")


@pytest.fixture
def guarded(publish):
    """The subject `team.s` with one version, asking for approval."""
    publish("team.s", ONE_FIELD)
    Subject.objects.update(needs_approval=True)
    return "team.s"


@pytest.fixture
def ask(publish, guarded):
    """`ask(schema, semver=…)`: the approval that the upload waits for."""

    def ask(schema=OTHER_TYPE, **more):
        with pytest.raises(ApprovalRequired) as waits:
            publish(guarded, schema, **more)
        return Approval.objects.get(pk=waits.value.facts["approval"])

    return ask


def test_compatible_uploads_pass_as_ever(publish, guarded):
    assert publish(guarded, TWO_FIELDS).semver == "1.1.0"


@pytest.mark.parametrize("semver", [None, "2.0.0", "3.0.0"])
def test_what_the_level_refuses_and_a_declared_major_wait_as_drafts(ask, guarded, semver):
    approval = ask(semver=semver)
    assert (approval.version.state, approval.version.semver) == ("draft", semver or "2.0.0")
    assert find_version(guarded, "latest").number == 1
    assert [entry.action for entry in AuditEntry.objects.all()[:2]] == [
        "approval.requested",
        "version.drafted",
    ]


def test_a_major_that_the_level_lets_pass_waits_too(ask, guarded, actor):
    from registry.configure import set_rules

    set_rules(actor=actor, subject=guarded, level="NONE")
    assert ask(A_REQUIRED).version.verdict["semver"]["required"] == "major"


def test_uploaded_again_it_is_the_same_request(ask):
    assert ask().pk == ask().pk
    assert Version.objects.count() == 2


def test_a_dry_run_says_that_it_would_wait_and_stores_nothing(publish, guarded):
    published = publish(guarded, OTHER_TYPE, dry_run=True)
    assert (published.waits, published.semver) == (True, "2.0.0")
    assert not Approval.objects.exists()


def test_the_second_person_publishes_it(ask, guarded, second):
    approval = ask()
    published = approve(actor=second.actor, approval_id=approval.pk, reason="Agreed with the readers.")
    assert (published.number, published.semver, published.version.state) == (2, "2.0.0", "active")
    assert find_version(guarded, "latest").published_by == "owner"
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by, approval.reason) == (
        "approved",
        "second",
        "Agreed with the readers.",
    )
    assert {"approval.approved", "version.published"} == {e.action for e in AuditEntry.objects.all()[:2]}


def test_never_the_uploader_with_whatever_token(ask, owner):
    approval = ask()
    for actor in (owner.actor, owner.token_actor, SYSTEM):
        with pytest.raises(OwnApproval):
            approve(actor=actor, approval_id=approval.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.update(decider=owner.user)


def test_nor_somebody_who_may_not_write_or_not_even_read(ask, make_person, stranger):
    approval = ask()
    viewer = make_person("viewer", role="viewer")
    with pytest.raises(Forbidden):
        approve(actor=viewer.actor, approval_id=approval.pk)
    with pytest.raises(ApprovalNotFound):
        approve(actor=stranger.actor, approval_id=approval.pk)


def test_rejected_it_stays_a_draft_and_can_be_asked_for_again(ask, second):
    approval = ask()
    rejected = reject(actor=second.actor, approval_id=approval.pk, reason="Readers are not ready.")
    assert (rejected.state, rejected.version.state) == ("rejected", "draft")
    with pytest.raises(AlreadyDecided, match="was rejected by second"):
        approve(actor=second.actor, approval_id=approval.pk)
    again = ask()
    assert again.pk != approval.pk


def test_deleting_the_draft_withdraws_the_request(ask, second, actor, guarded):
    approval = ask()
    delete_version(actor=actor, subject=guarded, version=str(approval.version.number))
    with pytest.raises(AlreadyDecided, match="withdrawn"):
        approve(actor=second.actor, approval_id=approval.pk)


def test_it_is_judged_anew_against_what_is_live_by_then(ask, publish, second, guarded):
    approval = ask()
    publish(guarded, TWO_FIELDS)
    published = approve(actor=second.actor, approval_id=approval.pk)
    assert (published.number, published.semver) == (4, "2.0.0")
    assert [pair["semver"] for pair in published.version.verdict["against"]] == ["1.1.0"]


def test_a_label_that_is_too_low_by_then_leaves_it_waiting(ask, second, guarded, make_person):
    late, first = ask(semver="2.0.0"), ask(A_REQUIRED, semver="3.0.0")
    approve(actor=second.actor, approval_id=first.pk)
    with pytest.raises(VersionTooLow):
        approve(actor=second.actor, approval_id=late.pk)
    late.refresh_from_db()
    assert (late.state, late.version.state) == ("pending", "draft")


def test_who_looked_before_somebody_published_has_to_look_again(ask, publish, second, guarded):
    approval = ask()
    publish(guarded, TWO_FIELDS)
    with pytest.raises(ApprovalOutdated):
        approve(actor=second.actor, approval_id=approval.pk, seen=1)
    assert Version.objects.get(pk=approval.version_id).state == "draft"
    assert approve(actor=second.actor, approval_id=approval.pk, seen=3).number == 4
    # What is told about the decision is what it became, not what it was proposed as.
    assert AuditEntry.objects.get(action="approval.approved").details["version"] == 4


def test_activating_a_draft_waits_as_an_upload_does(publish, guarded, actor):
    from registry.change_state import change_state

    draft = publish(guarded, OTHER_TYPE, draft=True)
    with pytest.raises(ApprovalRequired) as waits:
        change_state(actor=actor, subject=guarded, version=str(draft.number), state="active")
    assert waits.value.facts["version"] == draft.number
    assert Version.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_does(make_person):
    owner, people = (
        make_person("owner", role="admin"),
        [make_person(f"p{n}", role="developer") for n in range(8)],
    )
    publish_version(actor=owner.actor, subject="s", schema=json.dumps(ONE_FIELD))
    Subject.objects.update(needs_approval=True)
    with pytest.raises(ApprovalRequired) as waits:
        publish_version(actor=owner.actor, subject="s", schema=json.dumps(OTHER_TYPE))
    approval_id = waits.value.facts["approval"]

    def decide(n):
        if n % 2:
            return reject(actor=people[n].actor, approval_id=approval_id, reason=f"no {n}")
        return approve(actor=people[n].actor, approval_id=approval_id, reason=f"yes {n}")

    results = at_once(8, decide)
    decided = [r for r in results if not isinstance(r, Exception)]
    assert len(decided) == 1
    assert {type(r).__name__ for r in results if isinstance(r, Exception)} <= {
        "AlreadyDecided",
        "InvalidTransition",
    }
    approval = Approval.objects.get()
    assert (approval.state == "approved") == (Version.objects.get(number=2).state == "active")
    assert AuditEntry.objects.filter(action__in=["approval.approved", "approval.rejected"]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_same_uploads_at_once_one_waits(make_person):
    owner = make_person("owner", role="admin").actor
    publish_version(actor=owner, subject="s", schema=json.dumps(ONE_FIELD))
    Subject.objects.update(needs_approval=True)
    schema = json.dumps(OTHER_TYPE)
    results = at_once(8, lambda _: publish_version(actor=owner, subject="s", schema=schema))
    assert {type(r) for r in results} == {ApprovalRequired}
    assert {r.facts["approval"] for r in results} == {Approval.objects.get().pk}


# --- over HTTP --------------------------------------------------------------------------------


def test_over_rest(guarded, owner, teammate, stranger):
    body = {"schema": json.dumps(OTHER_TYPE)}
    refused = owner.api.post(f"/api/v1/subjects/{guarded}/versions", body)
    told = refused.json()
    assert (refused.status_code, told["error_code"]) == (409, 40923)
    number = told["details"]["approval"]
    assert told["details"]["status"] == "incompatible"
    assert told["details"]["reason"].startswith("some instances of the old version are refused")
    address = f"/api/v1/approvals/{number}"
    assert [a["id"] for a in teammate.api.get("/api/v1/approvals?state=pending").json()["items"]] == [number]
    assert teammate.api.get("/api/v1/approvals?state=rejected").json()["items"] == []
    assert teammate.api.get(address).json()["verdict"]["status"] == "incompatible"
    assert stranger.api.get("/api/v1/approvals").json()["items"] == []
    assert stranger.api.get(address).json()["error_code"] == 40421
    assert owner.api.post(f"{address}/approve", {}).json()["details"]["code"] == "own_approval"
    assert teammate.api.post(f"{address}/reject", {}).status_code == 422
    outdated = teammate.api.post(f"{address}/approve", {"seen": 7})
    assert (outdated.status_code, outdated.json()["error_code"]) == (409, 40925)
    assert teammate.api.post(f"{address}/approve", {"seen": 1}).json()["semver"] == "2.0.0"
    late = teammate.api.post(f"{address}/reject", {"reason": "late"})
    assert (late.status_code, late.json()["error_code"]) == (409, 40924)


def test_the_setting_over_rest(publish, owner):
    publish("s", ONE_FIELD)
    assert owner.api.patch("/api/v1/settings/s", {"needs_approval": True}).json()["needs_approval"] is True
    assert Subject.objects.get().needs_approval


def test_the_pages(guarded, owner, teammate):
    sent = {"subject": guarded, "schema": json.dumps(OTHER_TYPE), "note": "Numbers now.", "publish": "yes"}
    waiting = owner.browser.post(reverse("upload"), sent)
    approval = Approval.objects.get()
    assert waiting.url == reverse("approval", args=[approval.pk])
    assert "Somebody else decides" in owner.browser.get(waiting.url).content.decode()
    assert "Uploads to approve" in teammate.browser.get("/").content.decode()
    assert "Numbers now." in teammate.browser.get(reverse("approvals")).content.decode()
    shown = teammate.browser.get(waiting.url).content.decode()
    for part in ("Approve and publish", "it becomes version 2", "2.0.0", "incompatible"):
        assert part in shown
    no_reason = teammate.browser.post(reverse("reject", args=[approval.pk]), {"reason": ""})
    assert no_reason.status_code == 422
    published = teammate.browser.post(reverse("approve", args=[approval.pk]), {"seen": 1, "reason": "Fine."})
    assert published.url == reverse("version", args=[guarded, 2])
    done = teammate.browser.get(waiting.url).content.decode()
    assert "Fine." in done
    assert "Nothing waits here" in teammate.browser.get(reverse("approvals")).content.decode()
    assert "/approvals/" in teammate.browser.get(reverse("approvals") + "?state=approved").content.decode()


def test_a_rejection_on_the_page_says_why(ask, teammate, owner):
    approval = ask()
    teammate.browser.post(reverse("reject", args=[approval.pk]), {"reason": "Too early."})
    assert "Too early." in owner.browser.get(reverse("approval", args=[approval.pk])).content.decode()


def test_who_may_only_read_sees_the_request_as_it_was_made(ask, make_person):
    viewer = make_person("viewer", role="viewer")
    shown = viewer.browser.get(reverse("approval", args=[ask().pk])).content.decode()
    assert "Somebody else decides" in shown
    assert "Approve and publish" not in shown
