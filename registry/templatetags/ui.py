"""What the page templates need beyond Django's own tags; templates/README.md shows each in use."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

NAVIGATION = (
    ("", (("Home", "home", "home"),)),
    (
        "Catalogue",
        (
            ("Subjects", "subjects", "schema"),
            ("Search", "search", "search"),
            ("Approvals", "approvals", "check"),
            ("Taxonomies", "taxonomies", "taxonomy"),
            ("Import and export", "catalogue", "out"),
        ),
    ),
    (
        "Stream",
        (
            ("Events", "events", "events"),
            ("Violations", "violations", "violation"),
            ("Statistics", "statistics", "chart"),
            ("Replays", "replays", "replay"),
            ("Producers", "producers", "people"),
            ("Profiles", "profiles", "clock"),
            ("Sampling", "sampling", "funnel"),
            ("Subscriptions", "subscriptions", "link"),
            ("Storage", "storage", "disk"),
        ),
    ),
    (
        "Alerts",
        (
            ("Rules", "rules", "rule"),
            ("Episodes", "episodes", "bell"),
            ("Silences", "silences", "mute"),
            ("Channels", "channels", "channel"),
            ("Deliveries", "deliveries", "out"),
        ),
    ),
    (
        "Access",
        (
            ("Tokens", "tokens", "key"),
            ("Keys", "signing-keys", "lock"),
            ("People", "people", "people"),
            ("Audit", "audit", "audit"),
        ),
    ),
)
"""Groups of (label, URL name, icon)."""
FOR_ADMINISTRATORS = {"people", "audit", "catalogue", "storage"}

TONES = {
    "good": "compatible active stored resolved finished completed succeeded delivered accepted enabled equal proven valid ok verified",
    "warn": "incomplete undecided pending recovering stored_with_violations violation violations deprecated paused stale rotated warning "
    "retrying cancelling expiring major unsigned unknown_key foreign_key",
    "bad": "incompatible firing quarantined rejected conflict error failed critical dead revoked expired broken fatal forbidden destroyed signature_altered signature_malformed expired_key revoked_key",
    "info": "running queued due draft info minor rotating invited new",
    "quiet": "inactive archived duplicate cancelled patch muted acknowledged disabled none retired",
}
TONE_OF = {status: tone for tone, statuses in TONES.items() for status in statuses.split()}
MARKS = {"good": "check", "warn": "alert", "bad": "cross", "info": "dot", "quiet": "dot"}

UNITS = (
    (timedelta(days=365), "y"),
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
)
HIGHLIGHT_LIMIT = 300_000
ONE_LINE = 70
BREAKS = re.compile(r"([._/$:-])(?=\w)")
TICKS = re.compile(r"`([^`]+)`")
JSON_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+|"')
JSON_TOKEN = re.compile(
    r'(?P<string>"(?:\\.|[^"\\])*")(?P<colon>\s*:)?|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<literal>\b(?:true|false|null)\b)'
)


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of static/registry/icons.svg, hidden from screen readers: the words beside it say the same."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("registry/icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[dict[str, Any]]:
    """The groups of the sidebar, each link with its address and whether the current page lies under it."""
    request: HttpRequest = context["request"]
    groups = ({"title": title, "links": list(_links(links, request))} for title, links in NAVIGATION)
    return [group for group in groups if group["links"]]


def _links(links: tuple[tuple[str, str, str], ...], request: HttpRequest) -> Iterator[dict[str, Any]]:
    path, actor = request.path, getattr(request, "actor", None)
    for label, name, icon_name in links:
        if name in FOR_ADMINISTRATORS and not (actor and actor.may_everywhere("admin")):
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = path == url if url == "/" else path.startswith(url)
        yield {"label": label, "url": url, "icon": icon_name, "current": current}


@register.inclusion_tag("_badge.html")
def badge(status: str, label: str = "", tone: str = "") -> dict[str, str]:
    """A status as colour, mark and word."""
    tone = tone or tone_of(status)
    return {"tone": tone, "mark": MARKS[tone], "label": label or str(status).replace("_", " ")}


@register.inclusion_tag("_time.html")
def when(at: datetime | None, *, exact: bool = False, never: str = "never") -> dict[str, Any]:
    """A moment: how long ago, with the full time on hover; `exact=True` the other way round."""
    return {"at": at, "exact": exact, "never": never}


@register.inclusion_tag("_copy.html")
def copyable(text: object) -> dict[str, str]:
    """An id or address in monospace with a copy button."""
    return {"text": str(text)}


@register.inclusion_tag("_code.html")
def code(text: str, id: str, title: str = "", *, wrap: bool = False) -> dict[str, Any]:  # noqa: A002
    """A block of text in monospace with a copy button; `id` is unique on the page."""
    return {"text": text, "id": id, "title": title, "wrap": wrap}


@register.inclusion_tag("_code.html")
def json_code(value: Any, id: str, title: str = "", *, wrap: bool = False) -> dict[str, Any]:  # noqa: A002
    """The same for JSON, coloured. Text is taken to be JSON already: only a single long line is indented."""
    return {"text": json_html(value), "id": id, "title": title, "wrap": wrap}


@register.filter(name="tone")
def tone_of(status: str) -> str:
    """good, warn, bad, info or quiet: how a status is coloured. Unknown ones are quiet."""
    return TONE_OF.get(str(status).lower(), "quiet")


@register.filter
def milliseconds(length: float) -> str:
    """A length of time in the unit that fits: 3.25 ms, 1.5 s, 40 min."""
    for limit, unit, name in ((1e3, 1.0, "ms"), (6e4, 1e3, "s"), (3.6e6, 6e4, "min"), (8.64e7, 3.6e6, "h")):
        if abs(length) < limit:
            return f"{length / unit:.4g} {name}"
    return f"{length / 8.64e7:,.1f} d"


@register.filter
def short(number: float) -> str:
    """A number of things as people read it: 12, 9,871, 12.3 k, 4.56 M; below ten with what is behind the point."""
    for limit, unit, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if number >= limit:
            return f"{number / unit:.3g} {name}"
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.2g}"


@register.filter
def relative(at: datetime) -> str:
    """The distance from now in its largest unit: 3 min ago, in 2 d."""
    distance = timezone.now() - at
    size = abs(distance)
    for unit, name in UNITS:
        if size >= unit:
            return f"{size // unit} {name} ago" if distance > timedelta(0) else f"in {size // unit} {name}"
    return "just now" if distance >= timedelta(0) else "in under a minute"


@register.filter
def absolute(at: datetime) -> str:
    """UTC to the millisecond, always labelled as such."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d} UTC"


@register.filter
def breakable(name: str) -> SafeString:
    """A name that may wrap after its dots, dashes, slashes and underscores instead of in the middle of a word."""
    return mark_safe(BREAKS.sub(r"\1<wbr>", escape(name)))  # noqa: S308 - escaped


@register.filter
def prose(sentence: str) -> SafeString:
    """A sentence whose `names` are set as code."""
    return mark_safe(TICKS.sub(r"<code>\1</code>", escape(sentence)))  # noqa: S308 - escaped


@register.filter
def percent(share: float | None) -> str:
    """A share as people read it; what is more than nothing never reads as nothing."""
    if share is None:
        return "–"
    return "< 0.01 %" if 0 < share < 0.0001 else f"{share * 100:.2f} %"


@register.filter
def json_text(value: Any) -> str:
    """JSON as people read it. Text is taken to be JSON already: only a single long line is indented."""
    if not isinstance(value, str):
        return json.dumps(value, indent=2, ensure_ascii=False)
    one_long_line = "\n" not in value.strip() and ONE_LINE < len(value) <= HIGHLIGHT_LIMIT
    return indented(value) if one_long_line else value


def indented(text: str) -> str:
    """JSON text with its white space made anew; every number, escape and repeated name stays as it was written.

    Text that is no JSON comes out with its space changed, too, but with nothing lost.
    """
    out, depth, before = [], 0, ""
    for piece in JSON_PIECE.findall(text):
        closes = piece in "]}"
        depth -= closes
        if not closes if before in {"[", "{"} else closes or before == ",":
            out.append("\n" + "  " * depth)
        out.append(": " if piece == ":" else piece)
        depth += piece in "[{"
        before = piece
    return "".join(out)


@register.filter
def json_line(value: Any) -> str:
    """JSON on one line, for a value within a sentence."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def json_html(value: Any) -> SafeString:
    """JSON with its tokens marked for colour; very long texts come without."""
    text = json_text(value)
    if len(text) > HIGHLIGHT_LIMIT:
        return mark_safe(escape(text))  # noqa: S308 - escaped
    return mark_safe("".join(_marked(text)))  # noqa: S308 - every piece is escaped in _marked


def _marked(text: str) -> Iterator[str]:
    end = 0
    for token in JSON_TOKEN.finditer(text):
        yield escape(text[end : token.start()])
        kind = "key" if token["colon"] else token.lastgroup
        body = token["string"] or token[0]
        yield f'<span class="j-{kind}">{escape(body)}</span>{token["colon"] or ""}'
        end = token.end()
    yield escape(text[end:])
