"""Pages of subscriptions to changes of the catalogue."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from events.cloudevents import About
from events.forward import lag
from events.subscribe import (
    create_subscription,
    delete_subscription,
    deliveries_of,
    edit_subscription,
    find_subscription,
    send_test,
    subscriptions_for,
    switch_subscription,
)
from events.subscription_forms import SubscriptionForm, as_initial


def subscriptions(request: HttpRequest) -> HttpResponse:
    page, now = page_of(request, subscriptions_for(caller(request))), lag()
    # It names a subject.
    problem = now.problem if caller(request).may_everywhere("read") else ""
    return render(request, "events/subscriptions.html", {"page": page, "lag": now, "problem": problem})


@never_cache
def subscription_new(request: HttpRequest) -> HttpResponse:
    caller(request).require("alert")
    form = SubscriptionForm(request.POST or None, initial={"subject_prefix": request.GET.get("prefix", "")})
    if form.is_valid():
        try:
            made = create_subscription(actor=caller(request), spec=form.spec())
        except ProductError as error:
            explain(form, error)
        else:
            return render(request, "events/subscription_made.html", {"subscription": made})
    return render(request, "events/subscription_form.html", {"form": form})


def subscription(request: HttpRequest, subscription_id: int) -> HttpResponse:
    shown = find_subscription(caller(request), subscription_id)
    form = SubscriptionForm(request.POST or None, initial=as_initial(shown))
    if form.is_valid():
        try:
            edit_subscription(actor=caller(request), subscription_id=subscription_id, spec=form.spec())
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("subscription", subscription_id)
    page = page_of(request, deliveries_of(shown), size=20)
    sent = [(delivery, About.of(delivery)) for delivery in page.items]
    context = {"form": form, "subscription": shown, "page": page, "sent": sent}
    return render(request, "events/subscription_form.html", context)


@require_POST
def subscription_test(request: HttpRequest, subscription_id: int) -> HttpResponse:
    send_test(actor=caller(request), subscription_id=subscription_id)
    messages.success(request, "A test message is on its way; what became of it is shown below.")
    return redirect("subscription", subscription_id)


@require_POST
def subscription_pause(request: HttpRequest, subscription_id: int) -> HttpResponse:
    switch_subscription(actor=caller(request), subscription_id=subscription_id, enabled=False)
    messages.success(request, "Paused: it is told nothing, and later nothing of what changes meanwhile.")
    return redirect("subscription", subscription_id)


@require_POST
def subscription_resume(request: HttpRequest, subscription_id: int) -> HttpResponse:
    switch_subscription(actor=caller(request), subscription_id=subscription_id, enabled=True)
    messages.success(request, "It is told about changes from now on.")
    return redirect("subscription", subscription_id)


@require_POST
def subscription_delete(request: HttpRequest, subscription_id: int) -> HttpResponse:
    delete_subscription(actor=caller(request), subscription_id=subscription_id)
    messages.success(request, "The subscription is deleted. Messages that wait already are still sent.")
    return redirect("subscriptions")
