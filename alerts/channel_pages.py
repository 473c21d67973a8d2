"""Pages of channels."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from access.caller import caller
from access.delivery_health import health_of
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from access.models import Delivery
from alerts.channel_forms import AttemptFilter, ChannelForm
from alerts.channel_kinds import KINDS
from alerts.channels import (
    ABOUT,
    ChannelSpec,
    create_channel,
    delete_channel,
    edit_channel,
    redeliver_all,
    send_test,
)
from alerts.lists import attempts_of, channels_for, dead_of, find_channel
from alerts.models import Channel
from alerts.preview_message import preview_message

TESTS_SHOWN = 5


def channels(request: HttpRequest) -> HttpResponse:
    page = page_of(request, channels_for(caller(request)).prefetch_related("rules"))
    health = health_of(channel.target for channel in page.items)
    rows = [
        {
            "channel": channel,
            "state": channel.state(health.get(channel.target)),
            "health": health.get(channel.target),
            "place": KINDS[channel.kind].place(channel),
            "rules": sum(rule.deleted_at is None for rule in channel.rules.all()),
        }
        for channel in page.items
    ]
    context = {"page": page, "rows": rows, "may_edit": caller(request).may_everywhere("alert")}
    return render(request, "alerts/channels.html", context)


@never_cache
def channel_new(request: HttpRequest) -> HttpResponse:
    caller(request).require_everywhere("alert")
    kind = request.GET.get("kind", "")
    kind = kind if kind in Channel.Kind else Channel.Kind.WEBHOOK
    form = ChannelForm(request.POST or None, kind=kind)
    if form.is_valid() and _saves(request):
        try:
            made = create_channel(actor=caller(request), spec=ChannelSpec(**form.cleaned_data, kind=kind))
        except ProductError as error:
            explain(form, error)
        else:
            if made.signature == Channel.Signature.V1:
                return render(request, "alerts/channel_made.html", {"channel": made})
            messages.success(request, "The channel is made. Send a test to see whether it arrives.")
            return redirect("channel", made.pk)
    tabs = [
        {"url": f"?kind={value}", "label": label, "current": value == kind}
        for value, label in Channel.Kind.choices
    ]
    unable = kind == Channel.Kind.EMAIL and not settings.SENDS_EMAIL
    context = {"form": form, "tabs": tabs, "unable": unable, **_preview(request)}
    return render(request, "alerts/channel_form.html", context)


def _saves(request: HttpRequest) -> bool:
    """The button "Try it" shows the preview in the form, where there are no scripts."""
    return request.POST.get("action") != "preview"


def _preview(request: HttpRequest) -> dict[str, object]:
    if request.method != "POST":
        return {}
    try:
        preview = preview_message(
            actor=caller(request),
            title_template=request.POST.get("title_template", ""),
            text_template=request.POST.get("text_template", ""),
        )
    except ProductError as error:
        return {"preview_problem": error.message}
    return {"preview": preview}


@require_POST
def channel_preview(request: HttpRequest) -> HttpResponse:
    """The fragment that the form shows while somebody writes."""
    caller(request).require_everywhere("alert")
    return render(request, "alerts/_channel_preview.html", _preview(request))


def channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    caller(request).require_everywhere("alert")
    shown = find_channel(caller(request), channel_id)
    form = ChannelForm(request.POST or None, kind=shown.kind, stored=True, initial=_initial(shown))
    if form.is_valid() and _saves(request):
        spec = ChannelSpec(**form.cleaned_data)
        try:
            edit_channel(actor=caller(request), channel_id=channel_id, spec=spec)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("channels")
    health = health_of([shown.target]).get(shown.target)
    context = {
        "form": form,
        "channel": shown,
        "health": health,
        "state": shown.state(health),
        "dead": dead_of(shown).count(),
        **_tests(shown),
        **_preview(request),
        "rules": shown.rules.living().visible_to(caller(request)),
    }
    return render(request, "alerts/channel_form.html", context)


def _tests(shown: Channel) -> dict[str, object]:
    """The newest tests with their answers, and whether one of them is still on its way."""
    sent = Delivery.objects.filter(target=shown.target, about=ABOUT).prefetch_related("log")
    tests = list(sent.defer("body")[:TESTS_SHOWN])
    return {"tests": tests, "waiting": any(one.state == Delivery.State.DUE for one in tests)}


@require_safe
def channel_tests(request: HttpRequest, channel_id: int) -> HttpResponse:
    """The fragment of the newest tests, which asks for itself until all are answered."""
    caller(request).require_everywhere("alert")
    shown = find_channel(caller(request), channel_id)
    return render(request, "alerts/_channel_tests.html", {"channel": shown, **_tests(shown)})


@require_safe
def channel_log(request: HttpRequest, channel_id: int) -> HttpResponse:
    shown = find_channel(caller(request), channel_id)
    filters = AttemptFilter(request.GET)
    outcome = filters.cleaned_data.get("outcome", "") if filters.is_valid() else ""
    page = page_of(request, attempts_of(caller(request), shown, outcome))
    health = health_of([shown.target]).get(shown.target)
    context = {
        "channel": shown,
        "page": page,
        "filters": filters,
        "filtered": bool(outcome),
        "dead": dead_of(shown).count(),
        "health": health,
        "state": shown.state(health),
    }
    return render(request, "alerts/channel_log.html", context)


@require_POST
def channel_redeliver(request: HttpRequest, channel_id: int) -> HttpResponse:
    count = redeliver_all(actor=caller(request), channel_id=channel_id)
    if count:
        messages.success(request, f"{count} messages are sent again, under the same ids.")
    else:
        messages.info(request, "There is nothing that could not be delivered.")
    return redirect("channel-log", channel_id)


def _initial(shown: Channel) -> dict[str, object]:
    return {
        "name": shown.name,
        "url": shown.url,
        "enabled": shown.enabled,
        "signature": shown.signature,
        "gather_seconds": shown.gather_seconds,
        "most_per_minute": shown.most_per_minute,
        "quiet_from": shown.quiet_from,
        "quiet_until": shown.quiet_until,
        "time_zone": shown.time_zone,
        "recipients": "\n".join(shown.recipients),
        "title_template": shown.title_template,
        "text_template": shown.text_template,
    }


@require_POST
def channel_test(request: HttpRequest, channel_id: int) -> HttpResponse:
    send_test(actor=caller(request), channel_id=channel_id)
    messages.success(request, "A test message is on its way; its answer appears below.")
    return redirect("channel", channel_id)


@require_POST
def channel_delete(request: HttpRequest, channel_id: int) -> HttpResponse:
    delete_channel(actor=caller(request), channel_id=channel_id)
    messages.success(request, "The channel is deleted. Messages that wait already are still sent.")
    return redirect("channels")
