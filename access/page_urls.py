from django.urls import path

from access import delivery_pages, keys_pages, pages, people_pages

urlpatterns = [
    path("login", pages.login, name="login"),
    path("logout", pages.logout, name="logout"),
    path("password", pages.password, name="password"),
    path("invitations/<str:secret>", pages.invitation, name="invitation"),
    path("tokens", pages.tokens, name="tokens"),
    path("tokens/new", pages.token_new, name="token-new"),
    path("tokens/<int:token_id>/rotate", pages.token_rotate, name="token-rotate"),
    path("tokens/<int:token_id>/revoke", pages.token_revoke, name="token-revoke"),
    path("keys", keys_pages.signing_keys, name="signing-keys"),
    path("keys/signing/new", keys_pages.signing_key_new, name="signing-key-new"),
    path("keys/signing/<str:signing_kid>/rotate", keys_pages.signing_key_rotate, name="signing-key-rotate"),
    path("keys/signing/<str:signing_kid>/revoke", keys_pages.signing_key_revoke, name="signing-key-revoke"),
    path("keys/data", keys_pages.data_keys, name="data-keys"),
    path("keys/data/<str:data_kid>", keys_pages.data_key, name="data-key"),
    path("keys/data/<str:data_kid>/revoke", keys_pages.data_key_revoke, name="data-key-revoke"),
    path("keys/data/<str:data_kid>/restore", keys_pages.data_key_restore, name="data-key-restore"),
    path("keys/data/<str:data_kid>/destroy", keys_pages.data_key_destroy, name="data-key-destroy"),
    path("people", people_pages.people, name="people"),
    path("people/invite", people_pages.invitation_new, name="invitation-new"),
    path(
        "people/invitations/<int:invitation_id>/withdraw",
        people_pages.invitation_withdraw,
        name="invitation-withdraw",
    ),
    path("people/of/<str:username>", people_pages.person, name="person"),
    path("people/of/<str:username>/active", people_pages.person_active, name="person-active"),
    path("people/of/<str:username>/roles/<int:role_id>/take", people_pages.role_take, name="role-take"),
    path("audit", people_pages.audit, name="audit"),
    path("deliveries", delivery_pages.deliveries, name="deliveries"),
    path("deliveries/<int:delivery_id>", delivery_pages.delivery, name="delivery"),
    path(
        "deliveries/<int:delivery_id>/redeliver", delivery_pages.delivery_redeliver, name="delivery-redeliver"
    ),
    path("deliveries/<int:delivery_id>/cancel", delivery_pages.delivery_cancel, name="delivery-cancel"),
]
