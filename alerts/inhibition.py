"""Whether nobody need be told of an episode, since one of another rule fires that explains it.

Two episodes are equal in a field when both have it and it is the same: what one of them lacks is neither equal nor different.
"""

from alerts.models import Episode, Rule


def inhibitor_of(episode: Episode) -> Episode | None:
    """The firing episode because of which nobody is told; None where there is none."""
    rule = episode.rule
    firing = Episode.objects.firing().filter(rule__inhibits=rule).select_related("rule").order_by("id")
    return next((one for one in firing if _are_equal(rule, episode, one)), None)


def _are_equal(rule: Rule, episode: Episode, other: Episode) -> bool:
    if other.pk == episode.pk:
        return False
    return all(
        episode.group.get(name) is not None and episode.group.get(name) == other.group.get(name)
        for name in rule.inhibit_equal
    )
