"""Addresses of subscriptions to changes, for both doors."""

from django.urls import URLPattern, path

from events import subscription_api, subscription_pages

api: list[URLPattern] = [
    path("changes", subscription_api.changes),
    path("subscriptions", subscription_api.subscriptions),
    path("subscriptions/<int:subscription_id>", subscription_api.subscription),
    path("subscriptions/<int:subscription_id>/test", subscription_api.subscription_test),
    path("subscriptions/<int:subscription_id>/deliveries", subscription_api.subscription_deliveries),
]
pages: list[URLPattern] = [
    path("subscriptions", subscription_pages.subscriptions, name="subscriptions"),
    path("subscriptions/new", subscription_pages.subscription_new, name="subscription-new"),
    path("subscriptions/<int:subscription_id>", subscription_pages.subscription, name="subscription"),
    path(
        "subscriptions/<int:subscription_id>/test",
        subscription_pages.subscription_test,
        name="subscription-test",
    ),
    path(
        "subscriptions/<int:subscription_id>/pause",
        subscription_pages.subscription_pause,
        name="subscription-pause",
    ),
    path(
        "subscriptions/<int:subscription_id>/resume",
        subscription_pages.subscription_resume,
        name="subscription-resume",
    ),
    path(
        "subscriptions/<int:subscription_id>/delete",
        subscription_pages.subscription_delete,
        name="subscription-delete",
    ),
]
