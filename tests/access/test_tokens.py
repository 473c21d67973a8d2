"""Tokens: what they may do, and that none can be turned into more than it is."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.errors import Forbidden, InvalidToken, TokenNotFound, Unauthenticated
from access.models import AuditEntry, Role, Token
from access.tokens import actor_of_secret, issue_token, revoke_token, roles_of, rotate_token

pytestmark = pytest.mark.django_db


def issue(actor, **options):
    return issue_token(actor=actor, **{"name": "ci", "scopes": ["read"], **options})


def acting(actor, **options):
    return actor_of_secret(issue(actor, **options)[1])


def test_a_secret_is_shown_once_and_only_its_digest_is_kept(owner):
    token, secret = issue(owner.actor)
    stored = {name: str(value) for name, value in vars(Token.objects.get(pk=token.pk)).items()}
    assert not [name for name, value in stored.items() if secret in value]
    assert secret.startswith("onex_")
    assert token.hint == secret[:12]
    assert actor_of_secret(secret).label == "owner/ci"


def test_a_token_may_do_what_its_scopes_and_its_owners_roles_both_allow(make_person):
    ann = make_person("ann", role="developer", prefix="shop.")
    actor = acting(ann.actor, scopes=["read", "write"], subject_prefixes=["shop.orders."])
    assert actor.may("write", "shop.orders.placed")
    assert not actor.may("write", "shop.carts")
    assert not actor.may("ingest", "shop.orders.placed")
    assert actor.readable_prefixes("write") == ("shop.orders.",)


def test_taking_a_role_takes_it_from_the_tokens_in_the_same_moment(make_person):
    ann = make_person("ann", role="developer")
    _, secret = issue(ann.actor, scopes=["write"])
    assert actor_of_secret(secret).may("write", "orders")
    Role.objects.all().delete()
    assert not actor_of_secret(secret).may("write", "orders")
    assert not actor_of_secret(secret).may("write")


@pytest.mark.django_db(transaction=True)
def test_what_is_remembered_of_a_token_is_forgotten_with_the_commit_that_changes_it(make_person):
    """Beside no other test's transaction, so that it is remembered at all."""
    ann = make_person("ann", role="developer")
    token, secret = issue(ann.actor, scopes=["write"])
    first = actor_of_secret(secret)
    assert actor_of_secret(secret) is first
    Role.objects.all().delete()
    assert not actor_of_secret(secret).may("write")
    Role.objects.create(user=ann.user, name="developer", subject_prefix="")
    assert actor_of_secret(secret).may("write")
    revoke_token(actor=ann.actor, token_id=token.pk)
    with pytest.raises(Unauthenticated):
        actor_of_secret(secret)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"name": "  "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["read", "fly"]}, "/scopes"),
        ({"subject_prefixes": []}, "/subject_prefixes"),
        ({"subject_prefixes": ["x" * 256]}, "/subject_prefixes"),
        ({"subject_prefixes": ["a\0"]}, "/subject_prefixes"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "/expires_at"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_beside_its_field(owner, options, pointer):
    with pytest.raises(InvalidToken) as refused:
        issue(owner.actor, **options)
    assert refused.value.facts["pointer"] == pointer
    assert Token.objects.filter(name="ci").count() == 0


def test_nobody_gives_away_what_they_do_not_have(teammate, stranger):
    for actor, options in (
        (teammate.actor, {"scopes": ["admin"]}),
        (teammate.actor, {"scopes": ["read"], "subject_prefixes": [""]}),
        (teammate.actor, {"scopes": ["read"], "subject_prefixes": ["team.a", "other."]}),
        (stranger.actor, {"scopes": ["read"], "subject_prefixes": ["anything"]}),
    ):
        with pytest.raises(Forbidden):
            issue(actor, **options)
    issue(teammate.actor, subject_prefixes=["team.a"])


def test_a_weak_token_cannot_touch_or_rotate_a_stronger_one(owner):
    strong, _ = issue(owner.actor, scopes=["read", "admin"])
    weak = acting(owner.actor, scopes=["read"], subject_prefixes=["shop."])
    for attempt in (
        lambda: rotate_token(actor=weak, token_id=strong.pk),
        lambda: revoke_token(actor=weak, token_id=strong.pk),
    ):
        with pytest.raises(Forbidden):
            attempt()
    revoke_token(actor=weak, token_id=weak.token.pk)


def test_a_token_makes_no_other_token_that_would_outlive_it(owner):
    """Whoever revokes a leaked token has ended all that came of it."""
    strong = acting(owner.actor, scopes=["read", "admin"])
    other, _ = issue(owner.actor)
    with pytest.raises(Forbidden, match="cannot make"):
        issue(strong)
    with pytest.raises(Forbidden, match="only itself"):
        rotate_token(actor=strong, token_id=other.pk)
    assert owner.api.post("/api/v1/tokens", {"name": "ci", "scopes": ["read"]}).status_code == 403
    assert Token.objects.filter(name="ci").count() == 2


def test_rotation_keeps_rights_and_lifetime_and_overlaps(owner, settings):
    ends = timezone.now() + timedelta(days=30)
    old, old_secret = issue(
        owner.actor, scopes=["read", "write"], subject_prefixes=["a.", "b."], expires_at=ends
    )
    new, new_secret = rotate_token(actor=owner.actor, token_id=old.pk)

    assert (new.name, new.scopes, new.subject_prefixes) == ("ci", ["read", "write"], ["a.", "b."])
    assert abs((new.expires_at - ends).total_seconds()) < 5
    old.refresh_from_db()
    assert old.state(timezone.now()) == "rotated"
    assert abs(old.expires_at - timezone.now() - settings.TOKEN_ROTATION_OVERLAP) < timedelta(seconds=5)
    for secret in (old_secret, new_secret):
        assert actor_of_secret(secret).may("write", "a.x")
    with pytest.raises(InvalidToken, match="rotated"):
        rotate_token(actor=owner.actor, token_id=old.pk)


def test_rotation_never_prolongs_the_old_one(owner):
    soon = timezone.now() + timedelta(minutes=5)
    old, _ = issue(owner.actor, expires_at=soon)
    rotate_token(actor=owner.actor, token_id=old.pk)
    old.refresh_from_db()
    assert old.expires_at == soon


def test_a_token_can_rotate_itself(owner):
    actor = acting(owner.actor)
    _, secret = rotate_token(actor=actor, token_id=actor.token.pk)
    assert actor_of_secret(secret).may("read", "anything")


def test_an_administrator_revokes_anyones_token_but_gets_nobodys_secret(owner, teammate, stranger):
    token, secret = issue(teammate.actor, subject_prefixes=["team."])
    with pytest.raises(TokenNotFound):
        revoke_token(actor=stranger.actor, token_id=token.pk)
    with pytest.raises(TokenNotFound):
        rotate_token(actor=owner.actor, token_id=token.pk)
    revoke_token(actor=owner.actor, token_id=token.pk)
    revoke_token(actor=owner.actor, token_id=token.pk)
    with pytest.raises(Unauthenticated):
        actor_of_secret(secret)
    assert AuditEntry.objects.filter(action="token.revoked").count() == 1


def test_expired_revoked_unknown_and_orphaned_secrets_are_all_refused(owner):
    expired, expired_secret = issue(owner.actor)
    Token.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoked, revoked_secret = issue(owner.actor)
    revoke_token(actor=owner.actor, token_id=revoked.pk)
    _, orphaned = issue(owner.actor)
    for secret in (expired_secret, revoked_secret, "", "onex_", "onex_" + "x" * 43, "nül\0"):
        with pytest.raises(Unauthenticated):
            actor_of_secret(secret)
    actor_of_secret(orphaned)
    owner.user.is_active = False
    owner.user.save()
    with pytest.raises(Unauthenticated):
        actor_of_secret(orphaned)


def test_last_use_is_noted_at_most_once_a_minute(owner, django_assert_num_queries):
    token, secret = issue(owner.actor)
    actor_of_secret(secret)
    token.refresh_from_db()
    assert token.last_used_at is not None
    with django_assert_num_queries(2):  # the token with its owner, and the roles
        actor_of_secret(secret)


def test_a_superuser_needs_no_role(django_user_model):
    root = django_user_model.objects.create_superuser("root", password="x")
    assert [grant.prefix for grant in roles_of(root)] == [""]


# --- over REST ---------------------------------------------------------------------------------


def test_the_rest_way_issue_use_rotate_revoke(owner, client):
    made = owner.browser.post(
        "/api/v1/tokens", {"name": "ci", "scopes": ["read", "admin"]}, content_type="application/json"
    )
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    secret, token = made.json()["secret"], made.json()["token"]
    assert token["subject_prefixes"] == [""]
    assert token["state"] == "active"

    bearer = {"Authorization": f"Bearer {secret}"}
    listed = client.get("/api/v1/tokens", headers=bearer).json()["items"]
    assert listed[0]["id"] == token["id"]
    assert secret not in str(listed)

    rotated = client.post(f"/api/v1/tokens/{token['id']}/rotate", headers=bearer)
    assert rotated.status_code == 201
    assert client.get("/api/v1/tokens", headers=bearer).status_code == 200
    gone = client.delete(f"/api/v1/tokens/{token['id']}", headers=bearer)
    assert gone.json()["state"] == "revoked"
    assert client.get("/api/v1/tokens", headers=bearer).status_code == 401


def test_basic_authentication_takes_the_token_as_password_under_any_name(owner, client):
    for name in ("", "whoever", "ä:b".partition(":")[0]):
        value = base64.b64encode(f"{name}:{owner.secret}".encode()).decode()
        assert client.get("/api/v1/tokens", headers={"Authorization": f"Basic {value}"}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic !!!",
        "Basic d2hvZXZlcg==",
        "Digest x",
        "Bearer a b",
        "Basic //8=",
    ],
)
def test_a_header_without_a_usable_token_is_401_with_the_way_out(client, db, header):
    answer = client.get("/api/v1/tokens", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error_code"] == 40100
    assert "WWW-Authenticate" in answer


def test_a_session_may_call_the_api_but_only_with_its_csrf_token(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)
    assert browser.get("/api/v1/tokens").status_code == 200
    answer = browser.post(
        "/api/v1/tokens", {"name": "x", "scopes": ["read"]}, content_type="application/json"
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "/name"),
        ({"name": "x", "scopes": "read"}, "/scopes"),
        ({"name": "x", "scopes": [1, "fly"]}, None),
        ({"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}, "/expires_at"),
        ([], None),
    ],
)
def test_a_body_of_the_wrong_shape_is_422_and_says_where(owner, body, where):
    answer = owner.api.post("/api/v1/tokens", body)
    assert answer.status_code == 422
    if where:
        assert where in [error["pointer"] for error in answer.json()["details"]["errors"]]


def test_a_list_is_cut_into_pages(owner):
    for number in range(60):
        issue(owner.actor, name=f"number {number}")
    first = owner.api.get("/api/v1/tokens").json()
    second = owner.api.get(f"/api/v1/tokens?after={first['next']}").json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (50, 11, None)
    assert owner.api.get("/api/v1/tokens?after=rubbish").status_code == 422


def test_a_misspelt_member_makes_no_token(owner):
    """`prefixes` instead of `subject_prefixes` would otherwise be a token for every subject."""
    answer = owner.api.post("/api/v1/tokens", {"name": "t", "scopes": ["read"], "prefixes": ["team."]})
    assert answer.status_code in {403, 422}
    assert answer.status_code == 422, answer.json()
    assert "prefixes" in str(answer.json())
    assert owner.user.tokens.count() == 1
