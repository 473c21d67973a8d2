from django.urls import URLPattern, path

from registry import home, taxonomy_urls

urlpatterns: list[URLPattern] = [path("", home.home, name="home"), *taxonomy_urls.pages]
