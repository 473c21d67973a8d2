"""The addresses of following the log, for api_urls.py and page_urls.py."""

from django.urls import path

from events import tail_api, tail_pages

api = [path("events/tail", tail_api.tail, name="api-events-tail")]
pages = [
    path("events/tail", tail_pages.tail, name="events-tail"),
    path("events/news", tail_pages.news, name="events-news"),
]
