"""Every address of the product. Apps bring their own lists; they are named here by string only."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from access.pages import admin_entrance
from registry import health
from registry.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("v1/", include("events.otlp.urls")),
    # Before Django's own: there is one way to sign in, and one to change one's password.
    path("admin/login/", admin_entrance),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/", admin.site.urls),
    path("api/v1/openapi.yaml", login_not_required(SpectacularAPIView.as_view()), name="openapi"),
    path("api/v1/", include("access.api_urls")),
    path("api/v1/", include("events.api_urls")),
    path("api/v1/", include("alerts.api_urls")),
    # Last of the API: subject names are matched greedily.
    path("api/v1/", include("registry.api_urls")),
    path("", include("access.page_urls")),
    path("", include("events.page_urls")),
    path("", include("alerts.page_urls")),
    path("", include("registry.page_urls")),
]

handler400 = "registry.error_pages.bad_request"
handler403 = "registry.error_pages.forbidden"
handler404 = "registry.error_pages.not_found"
handler500 = "registry.error_pages.server_error"
