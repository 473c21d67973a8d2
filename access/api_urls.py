from django.urls import path

from access import api

urlpatterns = [
    path("tokens", api.tokens, name="api-tokens"),
    path("tokens/<int:token_id>", api.token, name="api-token"),
    path("tokens/<int:token_id>/rotate", api.token_rotate, name="api-token-rotate"),
    path("audit", api.audit_list, name="api-audit"),
    path("audit/check", api.audit_check, name="api-audit-check"),
    path("deliveries", api.deliveries, name="api-deliveries"),
    path("deliveries/<int:delivery_id>", api.delivery_detail, name="api-delivery"),
    path("deliveries/<int:delivery_id>/redeliver", api.delivery_redeliver, name="api-delivery-redeliver"),
    path("deliveries/<int:delivery_id>/cancel", api.delivery_cancel, name="api-delivery-cancel"),
]
