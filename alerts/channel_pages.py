"""Pages of channels."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from access.models import Delivery
from alerts.channel_kinds import KINDS
from alerts.channels import (
    ABOUT,
    ChannelSpec,
    create_channel,
    delete_channel,
    edit_channel,
    send_test,
)
from alerts.forms import ChannelForm
from alerts.lists import channels_for, find_channel
from alerts.models import Channel


def channels(request: HttpRequest) -> HttpResponse:
    page = page_of(request, channels_for(caller(request)).prefetch_related("rules"))
    rows = [
        {
            "channel": channel,
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
    if form.is_valid():
        try:
            made = create_channel(actor=caller(request), spec=ChannelSpec(**form.cleaned_data, kind=kind))
        except ProductError as error:
            explain(form, error)
        else:
            if made.kind == Channel.Kind.WEBHOOK:
                return render(request, "alerts/channel_made.html", {"channel": made})
            messages.success(request, "The channel is made. Send a test to see whether it arrives.")
            return redirect("channel", made.pk)
    tabs = [
        {"url": f"?kind={value}", "label": label, "current": value == kind}
        for value, label in Channel.Kind.choices
    ]
    unable = kind == Channel.Kind.EMAIL and not settings.SENDS_EMAIL
    return render(request, "alerts/channel_form.html", {"form": form, "tabs": tabs, "unable": unable})


def channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    caller(request).require_everywhere("alert")
    shown = find_channel(caller(request), channel_id)
    form = ChannelForm(request.POST or None, kind=shown.kind, stored=True, initial=_initial(shown))
    if form.is_valid():
        spec = ChannelSpec(**form.cleaned_data)
        try:
            edit_channel(actor=caller(request), channel_id=channel_id, spec=spec)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("channels")
    tests = Delivery.objects.filter(about=ABOUT, about_id=str(channel_id)).prefetch_related("log")
    context = {
        "form": form,
        "channel": shown,
        "tests": tests[:5],
        "rules": shown.rules.living().visible_to(caller(request)),
    }
    return render(request, "alerts/channel_form.html", context)


def _initial(shown: Channel) -> dict[str, object]:
    return {
        "name": shown.name,
        "url": shown.url,
        "enabled": shown.enabled,
        "recipients": "\n".join(shown.recipients),
    }


@require_POST
def channel_test(request: HttpRequest, channel_id: int) -> HttpResponse:
    send_test(actor=caller(request), channel_id=channel_id)
    messages.success(request, "A test message is on its way; what became of it is shown below.")
    return redirect("channel", channel_id)


@require_POST
def channel_delete(request: HttpRequest, channel_id: int) -> HttpResponse:
    delete_channel(actor=caller(request), channel_id=channel_id)
    messages.success(request, "The channel is deleted. Messages that wait already are still sent.")
    return redirect("channels")
