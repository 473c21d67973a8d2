"""The inbox of episodes, one of them with its course, and the buttons of both."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import Forbidden, ProductError
from access.keyset import page_of
from alerts.actions import runs_for
from alerts.attend import acknowledge_episode, note_on_episode, resolve_episode, unacknowledge_episode
from alerts.course import course_of
from alerts.episode_forms import AcknowledgeForm, EpisodeFilter, NoteForm, ResolveForm
from alerts.kind_words import fires_at
from alerts.lists import deliveries_of, episodes_for, evidence_of, find_episode, rules_for
from alerts.silences import labels_of, silences_reaching


def episodes(request: HttpRequest) -> HttpResponse:
    actor = caller(request)
    filters = EpisodeFilter(request.GET, rules=rules_for(actor))
    page = page_of(request, episodes_for(actor, filters.chosen()))
    context = {
        "page": page,
        "episodes": page.items,
        "filters": filters,
        "may_attend": actor.may("alert"),
        "here": request.get_full_path(),
    }
    template = "alerts/_episodes.html" if "fragment" in request.GET else "alerts/episodes.html"
    return render(request, template, context)


def episode(request: HttpRequest, episode_id: int) -> HttpResponse:
    shown = find_episode(caller(request), episode_id)
    evidence = evidence_of(shown)
    correlations = [event.correlation_id for _, event in evidence if event and event.correlation_id]
    context = {
        "episode": shown,
        "evidence": evidence,
        "course": course_of(shown),
        "fires_at": fires_at(shown.rule_version),
        "deliveries": deliveries_of(shown),
        "runs": runs_for(caller(request)).filter(episode=shown).order_by("id"),
        "may_edit": caller(request).may("alert"),
        "correlation_id": correlations[0] if correlations else None,
        "may_replay": caller(request).may("replay"),
        "may_attend": caller(request).may("alert"),
        "silences": silences_reaching(shown),
        "silence_query": urlencode(labels_of(shown)),
        "acknowledge_form": AcknowledgeForm(auto_id="acknowledge-%s"),
        "resolve_form": ResolveForm(auto_id="resolve-%s"),
        "note_form": NoteForm(auto_id="note-%s"),
    }
    template = "alerts/_episode.html" if "fragment" in request.GET else "alerts/episode.html"
    return render(request, template, context)


@require_POST
def acknowledge(request: HttpRequest, episode_id: int) -> HttpResponse:
    form = AcknowledgeForm(request.POST)

    def do() -> str:
        changed = acknowledge_episode(
            actor=caller(request),
            episode_id=episode_id,
            lasts=timedelta(minutes=form.cleaned_data["minutes"]),
            reason=form.cleaned_data["reason"],
        )
        return f"You see to {changed.rule.name} until {changed.acknowledged_until:%Y-%m-%d %H:%M} UTC."

    return _done(request, episode_id, form, do)


@require_POST
def unacknowledge(request: HttpRequest, episode_id: int) -> HttpResponse:
    def do() -> str:
        changed = unacknowledge_episode(actor=caller(request), episode_id=episode_id)
        return f"Nobody sees to {changed.rule.name} now."

    return _done(request, episode_id, None, do)


@require_POST
def resolve(request: HttpRequest, episode_id: int) -> HttpResponse:
    form = ResolveForm(request.POST)

    def do() -> str:
        resolve_episode(actor=caller(request), episode_id=episode_id, reason=form.cleaned_data["reason"])
        return "It is resolved. The next event that puts its group over the threshold begins a new one."

    return _done(request, episode_id, form, do)


@require_POST
def note(request: HttpRequest, episode_id: int) -> HttpResponse:
    form = NoteForm(request.POST)

    def do() -> str:
        note_on_episode(actor=caller(request), episode_id=episode_id, text=form.cleaned_data["text"])
        return "The note is in the course below."

    return _done(request, episode_id, form, do)


def _done(
    request: HttpRequest,
    episode_id: int,
    form: AcknowledgeForm | ResolveForm | NoteForm | None,
    do: Callable[[], str],
) -> HttpResponse:
    """Back to where the button was, with a word about what came of it."""
    find_episode(caller(request), episode_id)
    if form is not None and not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        try:
            messages.success(request, do())
        except Forbidden:
            raise
        except ProductError as error:
            messages.error(request, error.message)
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("episode", episode_id)
