"""Pages of channels."""

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
from access.outbound import place_of
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
            "place": place_of(channel.url),
            "rules": sum(rule.deleted_at is None for rule in channel.rules.all()),
        }
        for channel in page.items
    ]
    context = {"page": page, "rows": rows, "may_edit": caller(request).may_everywhere("alert")}
    return render(request, "alerts/channels.html", context)


@never_cache
def channel_new(request: HttpRequest) -> HttpResponse:
    caller(request).require_everywhere("alert")
    form = ChannelForm(request.POST or None)
    if form.is_valid():
        try:
            made = create_channel(actor=caller(request), spec=ChannelSpec(**form.cleaned_data))
        except ProductError as error:
            explain(form, error)
        else:
            return render(request, "alerts/channel_made.html", {"channel": made})
    return render(request, "alerts/channel_form.html", {"form": form})


def channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    caller(request).require_everywhere("alert")
    shown = find_channel(caller(request), channel_id)
    form = ChannelForm(request.POST or None, initial=_initial(shown))
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
    return {"name": shown.name, "url": shown.url, "enabled": shown.enabled}


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
