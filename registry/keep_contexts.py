"""The contexts there are: one comes with the first version in it, and goes when it is empty and somebody says so."""

from django.db import transaction

from access import audit
from access.actor import Actor
from registry import contexts
from registry.errors import ContextNotEmpty, ContextNotFound
from registry.models import Configuration, Context, Subject


def remember_context(name: str) -> None:
    if name != contexts.DEFAULT and not Context.objects.filter(name=name).exists():
        Context.objects.bulk_create([Context(name=name)], ignore_conflicts=True)


def contexts_seen_by(actor: Actor) -> list[str]:
    """The default one, and those in which the actor may read something; sorted."""
    named = Context.objects.order_by("name").values_list("name", flat=True)
    return [contexts.DEFAULT, *(name for name in named if may_see(actor, name))]


def may_see(actor: Actor, context: str) -> bool:
    """Whether there can be a subject in this context that the actor may read."""
    begins = contexts.qualifier(context)
    return any(p.startswith(begins) or begins.startswith(p) for p in actor.readable_prefixes())


def delete_context(*, actor: Actor, context: str) -> None:
    """Takes an empty context away with the rules that were set for it; its ids stay given.

    Raises Forbidden, ContextNotFound, ContextNotEmpty.
    """
    begins = contexts.qualifier(context)
    actor.require("admin", begins)
    with transaction.atomic():
        row = Context.objects.select_for_update().filter(name=context).first()
        if row is None:
            raise ContextNotFound(context)
        if (
            subjects := Subject.objects.filter(name__startswith=begins, versions__isnull=False)
            .distinct()
            .count()
        ):
            raise ContextNotEmpty(context, subjects)
        Configuration.objects.filter(subject__startswith=begins).delete()
        row.delete()
        audit.record(actor=actor, action="context.deleted", target=f"context/{context}", details={})
