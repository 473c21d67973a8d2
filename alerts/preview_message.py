"""What a channel's templates make of a real episode, before they are saved."""

from dataclasses import dataclass

from django.utils import timezone

from access.actor import Actor
from alerts.lists import episodes_for, find_episode
from alerts.models import Channel, Episode
from alerts.told import about_episode, about_test
from alerts.wording import check_templates, in_words


@dataclass(frozen=True, slots=True)
class Preview:
    """`episode` is None where there is none yet: then it is what a test would say."""

    title: str
    text: str
    episode: Episode | None


def preview_message(
    *, actor: Actor, title_template: str, text_template: str, episode_id: int | None = None
) -> Preview:
    """On the episode with this id, else on the newest one. Raises Forbidden, EpisodeNotFound, InvalidTemplate."""
    actor.require_everywhere("alert")
    check_templates(title=title_template, text=text_template)
    episode = find_episode(actor, episode_id) if episode_id else episodes_for(actor).first()
    now = timezone.now()
    if episode:
        what = "firing" if episode.state == Episode.State.FIRING else "resolved"
        told = about_episode(episode, "firing" if what == "firing" else "resolved", now)
    else:
        told = about_test(Channel(pk=0, name="preview"), actor, "preview", now)
    said = in_words(told, "preview", title=title_template, text=text_template)
    return Preview(said.title, said.sentence, episode)
