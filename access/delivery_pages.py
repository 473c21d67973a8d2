"""What left this server: the outbox and what became of every attempt."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import DeliveryNotFinished, DeliveryNotFound
from access.keyset import page_of
from access.models import Delivery
from access.redeliver import cancel_delivery, redeliver


class DeliveryFilter(forms.Form):
    about = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"placeholder": "alerts.episode", "class": "code"})
    )
    about_id = forms.CharField(label="Number", required=False)
    target = forms.CharField(
        label="Through",
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "alerts.channel/1", "class": "code"}),
    )
    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *Delivery.State.choices])


def deliveries(request: HttpRequest) -> HttpResponse:
    caller(request).require_everywhere("alert")
    page = page_of(request, Delivery.objects.matching(request.GET).defer("body"))
    context = {"page": page, "filters": DeliveryFilter(request.GET), "filtered": bool(request.GET)}
    return render(request, "access/deliveries.html", context)


def delivery(request: HttpRequest, delivery_id: int) -> HttpResponse:
    caller(request).require_everywhere("alert")
    found = Delivery.objects.filter(pk=delivery_id).prefetch_related("log").first()
    if found is None:
        raise DeliveryNotFound(f"There is no delivery {delivery_id}.", delivery_id=delivery_id)
    context = {"delivery": found, "body": bytes(found.body).decode("utf-8", "replace")}
    return render(request, "access/delivery.html", context)


@require_POST
def delivery_redeliver(request: HttpRequest, delivery_id: int) -> HttpResponse:
    try:
        redeliver(actor=caller(request), delivery_id=delivery_id)
    except DeliveryNotFinished as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "It is sent again, under the same id.")
    return redirect("delivery", delivery_id=delivery_id)


@require_POST
def delivery_cancel(request: HttpRequest, delivery_id: int) -> HttpResponse:
    stopped = cancel_delivery(actor=caller(request), delivery_id=delivery_id)
    if stopped.state != Delivery.State.CANCELLED:
        messages.warning(request, f"This delivery is {stopped.state} already.")
    return redirect("delivery", delivery_id=delivery_id)
