"""The algebra of prefixes: a token never widens what its owner has, and lists agree with single answers."""

from hypothesis import given
from hypothesis import strategies as st

from access.actor import ROLES, SCOPES, SYSTEM, Actor, Grant

# Few letters, so that prefixes meet often.
names = st.text(alphabet="ab.", max_size=5)
grants = st.lists(
    st.builds(Grant, st.frozensets(st.sampled_from(SCOPES), min_size=1), names), max_size=4
).map(tuple)
actors = st.builds(Actor, label=st.just("x"), roles=grants, token_grants=st.none() | grants)


@given(actors, st.sampled_from(SCOPES), names)
def test_a_subject_may_be_used_exactly_when_it_lies_under_a_listed_prefix(actor, scope, subject):
    listed = any(subject.startswith(prefix) for prefix in actor.readable_prefixes(scope))
    assert actor.may(scope, subject) == listed


@given(actors, st.sampled_from(SCOPES))
def test_a_scope_is_held_at_all_exactly_when_some_subject_can_be_used(actor, scope):
    prefixes = actor.readable_prefixes(scope)
    assert actor.may(scope) == bool(prefixes)
    assert actor.may_everywhere(scope) == (prefixes == ("",))
    assert all(actor.may(scope, prefix + "anything") for prefix in prefixes)


@given(actors, st.sampled_from(SCOPES))
def test_no_listed_prefix_lies_within_another(actor, scope):
    prefixes = actor.readable_prefixes(scope)
    assert list(prefixes) == sorted(set(prefixes))
    assert not [p for p in prefixes for q in prefixes if p != q and p.startswith(q)]


@given(grants, grants, st.sampled_from(SCOPES), names)
def test_a_token_never_widens_what_its_owner_has(roles, token_grants, scope, subject):
    person = Actor(label="person", roles=roles)
    token = Actor(label="token", roles=roles, token_grants=token_grants)
    assert person.may(scope, subject) or not token.may(scope, subject)
    assert person.may(scope) or not token.may(scope)


@given(actors, st.sampled_from(SCOPES), names, names)
def test_holding_a_prefix_means_holding_every_longer_one(actor, scope, prefix, rest):
    assert not actor.may(scope, prefix) or actor.may(scope, prefix + rest)


def test_the_system_may_do_everything_and_every_role_consists_of_known_scopes():
    assert all(SYSTEM.may_everywhere(scope) for scope in SCOPES)
    assert all(scopes <= set(SCOPES) for scopes in ROLES.values())
