from django.urls import URLPattern

from registry import taxonomy_urls

urlpatterns: list[URLPattern] = [*taxonomy_urls.pages]
