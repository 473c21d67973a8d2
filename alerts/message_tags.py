"""The only tags and filters of message templates: none whose result can be much longer than what it is given."""

from django.template import Library, defaultfilters, defaulttags

TAGS = ("if", "for")
FILTERS = (
    "capfirst",
    "date",
    "default",
    "default_if_none",
    "first",
    "last",
    "length",
    "lower",
    "pluralize",
    "time",
    "truncatechars",
    "upper",
    "yesno",
)

register = Library()
register.tags = {name: defaulttags.register.tags[name] for name in TAGS}
register.filters = {name: defaultfilters.register.filters[name] for name in FILTERS}
