"""Every fragment is documented in templates/README.md, and every example there renders."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django import forms
from django.contrib.auth.models import User
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import timezone

from access.actor import Actor
from access.keyset import Page
from registry.templatetags import ui

TEMPLATES = Path(__file__).parents[2] / "templates"
README = (TEMPLATES / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    line
    for block in re.findall(r"```django\n(.*?)```", README, re.DOTALL)
    if "extends" not in block
    for line in block.splitlines()
]
TAGS = re.findall(r"\{% (?:icon|badge|when|copyable|code|json_code) .+? %\}", README)
# Parts of the layout, and what only other fragments include.
INSIDE = {"_document.html", "_sidebar.html", "_messages.html", "_code_copy.html"}


class Form(forms.Form):
    name = forms.CharField(help_text="How it is called.")
    colours = forms.MultipleChoiceField(choices=[("r", "red")], widget=forms.CheckboxSelectMultiple)
    strict = forms.BooleanField()
    hidden = forms.CharField(widget=forms.HiddenInput, required=False)


def context() -> Context:
    request = RequestFactory().get("/?q=1")
    request.user = User(username="ann")
    change = {"kind": "K", "new_pointer": "/x", "new_value": [1], "direction": "backward", "sentence": "S."}
    values = {
        "tabs": [{"label": "One", "url": "/", "current": True, "count": 0}],
        "page": Page(items=[], previous="1", next="2"),
        "form": Form({}),
        "filters": Form(),
        "facts": [("Owner", None)],
        "steps": [{"title": "T", "done": True}, {"title": "U", "done": False, "url": "/", "action": "Go"}],
        "verdict": {"changes": [change], "witness": {"instance": None, "errors": [{"message": "M"}]}},
        "event": {"status": "stored", "event_id": "e", "received_at": timezone.now()},
        "token": {"last_used_at": None},
        "at": timezone.now(),
        "value": {"a": 1},
        "text": "t",
        "secret": "s",
    }
    return RequestContext(request, values)


@pytest.mark.parametrize("example", EXAMPLES + TAGS)
def test_the_example_renders(example):
    assert Template("{% load ui %}" + example).render(context()).strip()


def test_every_fragment_is_documented():
    used = {path.name for path in TEMPLATES.glob("_*.html")} - INSIDE
    by_tag = {"_badge.html", "_time.html", "_copy.html", "_code.html"}
    assert {name for name in used - by_tag if name not in README} == set()


def test_no_template_holds_inline_script_or_style():
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), path
        assert not re.search(r"<style|\son\w+=\"", text), path
        # No page: a mail has no style sheet that mail programs would fetch.
        assert path.name == "mail.html" or not re.search(r"\sstyle=", text), path


def test_every_icon_that_is_named_exists():
    sprite = (TEMPLATES.parent / "registry/static/registry/icons.svg").read_text(encoding="utf-8")
    named = {name for _, links in ui.NAVIGATION for _, _, name in links} | set(ui.MARKS.values())
    for path in TEMPLATES.rglob("*.html"):
        named |= set(re.findall(r'(?:% icon |\bicon=)"([\w-]+)"', path.read_text(encoding="utf-8")))
    assert {name for name in named if f'id="{name}"' not in sprite} == set()


def test_json_is_coloured_without_changing_a_character():
    text = '{"a<b": [1.50e+3, "\\u0026 & \\" <x>", true,\n null], "k" : -0}'
    plain = re.sub(r"<[^>]+>", "", ui.json_html(text))
    unescaped = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert unescaped == text
    assert '<span class="j-key">&quot;a&lt;b&quot;</span>' in ui.json_html(text)


ONE_LINE = '{"a":[1.50,2e3,18446744073709551616],"a":{},"c":[ ],"d":"\\u0026 {[,:","e":[[],[{"f":null}]]}'


def test_one_long_line_of_json_is_indented_and_nothing_else_changes():
    text = ui.json_text(ONE_LINE)
    assert re.findall(r'"(?:\\.|[^"\\])*"|[^\s"]', text) == re.findall(r'"(?:\\.|[^"\\])*"|[^\s"]', ONE_LINE)
    plain = '{"b": [1, {"c": "a rather long text, so that the line is long enough"}], "d": [], "e": {}}'
    assert ui.json_text(plain) == json.dumps(json.loads(plain), indent=2)


@pytest.mark.parametrize("text", ['{"short": 1}', '{\n"a":1}', ""])
def test_other_json_text_stays_as_it_is(text):
    assert ui.json_text(text) == text


def test_names_wrap_at_their_seams_and_sentences_set_names_as_code():
    assert ui.breakable("a.b_c<") == "a.<wbr>b_<wbr>c&lt;"
    assert ui.prose("`x<y` was added") == "<code>x&lt;y</code> was added"


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=3, seconds=59), "3 min ago"),
        (timedelta(hours=30), "1 d ago"),
        (timedelta(days=-2, seconds=-5), "in 2 d"),
        (timedelta(seconds=-30), "in under a minute"),
    ],
)
def test_distances_in_time_are_told_in_their_largest_unit(ago, words):
    assert ui.relative(timezone.now() - ago) == words


def test_the_navigation_marks_where_one_is():
    request = RequestFactory().get("/tokens/new")
    request.actor = Actor(label="ann", roles=())
    links = [link for group in ui.navigation(Context({"request": request})) for link in group["links"]]
    assert [link["label"] for link in links if link["current"]] == ["Tokens"]
