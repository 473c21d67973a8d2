from django.urls import path

from access import api, keys_api

urlpatterns = [
    path("tokens", api.tokens, name="api-tokens"),
    path("tokens/<int:token_id>", api.token, name="api-token"),
    path("tokens/<int:token_id>/rotate", api.token_rotate, name="api-token-rotate"),
    path("keys/signing", keys_api.signing_keys, name="api-signing-keys"),
    path("keys/signing/<str:signing_kid>", keys_api.signing_key, name="api-signing-key"),
    path("keys/signing/<str:signing_kid>/rotate", keys_api.signing_key_rotate, name="api-signing-key-rotate"),
    path("keys/data", keys_api.data_keys, name="api-data-keys"),
    path("keys/data/<str:data_kid>", keys_api.data_key, name="api-data-key"),
    path("keys/data/<str:data_kid>/revoke", keys_api.data_key_revoke, name="api-data-key-revoke"),
    path("keys/data/<str:data_kid>/restore", keys_api.data_key_restore, name="api-data-key-restore"),
    path("audit", api.audit_list, name="api-audit"),
    path("audit/check", api.audit_check, name="api-audit-check"),
    path("deliveries", api.deliveries, name="api-deliveries"),
    path("deliveries/<int:delivery_id>", api.delivery_detail, name="api-delivery"),
    path("deliveries/<int:delivery_id>/redeliver", api.delivery_redeliver, name="api-delivery-redeliver"),
    path("deliveries/<int:delivery_id>/cancel", api.delivery_cancel, name="api-delivery-cancel"),
]
