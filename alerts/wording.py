"""Message templates of channels: Django's language without its library, loaders or anything of the server in reach.

Bounded by construction: values are plain and cut, loops are not nested, no filter multiplies, the result is cut.
"""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from django.template import Context, Engine, Template, TemplateSyntaxError
from django.template.base import FilterExpression, Node, NodeList, Variable, VariableNode
from django.template.defaulttags import ForNode

from alerts.errors import InvalidTemplate
from alerts.models import Channel
from alerts.told import Told

TITLE_LENGTH = 500
TEXT_LENGTH = 2000
TITLE_RESULT = 250
TEXT_RESULT = 2500
# What is left of a value of an event or a rule.
_VALUE = 1000
NAMES = (
    "what",
    "severity",
    "title",
    "sentence",
    "url",
    "channel",
    "rule",
    "group",
    "kind",
    "count",
    "share",
    "percent",
    "value",
    "limit",
    "factor",
    "threshold",
    "window_seconds",
    "episode",
    "evidence",
)
log = logging.getLogger(__name__)


class _Engine(Engine):
    default_builtins: ClassVar[list[str]] = ["alerts.message_tags"]


_ENGINE = _Engine(autoescape=False)


def check_templates(*, title: str, text: str) -> None:
    """Raises InvalidTemplate, whose `pointer` and `line` say where."""
    for pointer, source, most in (
        ("/title_template", title, TITLE_LENGTH),
        ("/text_template", text, TEXT_LENGTH),
    ):
        if len(source) > most:
            raise InvalidTemplate(f"A template here has at most {most} characters.", pointer=pointer)
        _compiled(source, pointer)


def worded(channel: Channel, told: Told) -> Told:
    """In the words of the channel's templates, where it has any. Never raises: an alert goes out in any words."""
    try:
        return in_words(told, channel.name, title=channel.title_template, text=channel.text_template)
    except Exception:
        log.exception("the templates of channel %s could not be used", channel.pk)
        return told


def in_words(told: Told, channel: str, *, title: str, text: str) -> Told:
    """Raises InvalidTemplate."""
    values = _values(told, channel)
    if title:
        # A title is one line, whatever an event says.
        said = " ".join(_rendered(title, values, "/title_template").split())
        told = replace(told, title=said[:TITLE_RESULT] or told.title)
    if text:
        told = replace(told, sentence=_rendered(text, values, "/text_template").strip()[:TEXT_RESULT])
    return told


def _rendered(source: str, values: dict[str, Any], pointer: str) -> str:
    try:
        return str(_compiled(source, pointer).render(Context(values, autoescape=False)))
    except InvalidTemplate:
        raise
    except Exception as problem:
        raise InvalidTemplate(f"It cannot be filled in: {problem}", pointer=pointer) from problem


def _compiled(source: str, pointer: str) -> Template:
    try:
        template = Template(source, engine=_ENGINE)
    except TemplateSyntaxError as problem:
        token = getattr(problem, "token", None)
        raise _at(pointer, token.lineno if token else None, f"{problem}") from problem
    loops = [node for node in template.nodelist.get_nodes_by_type(ForNode) if isinstance(node, ForNode)]
    for loop in loops:
        if (name := _name_of(loop.sequence)) and name not in NAMES:
            raise _unknown(pointer, loop, name)
        assert isinstance(loop.nodelist_loop, NodeList)
        if loop.nodelist_loop.get_nodes_by_type(ForNode):
            raise _at(pointer, _line_of(loop), "A loop cannot hold another one.")
    known = {*NAMES, "forloop", *(name for loop in loops for name in loop.loopvars)}
    for node in template.nodelist.get_nodes_by_type(VariableNode):
        assert isinstance(node, VariableNode)
        if (name := _name_of(node.filter_expression)) and name not in known:
            raise _unknown(pointer, node, name)
    return template


def _name_of(expression: FilterExpression | str) -> str | None:
    """What a variable begins with; None for a text in quotes."""
    variable = getattr(expression, "var", None)
    return variable.lookups[0] if isinstance(variable, Variable) and variable.lookups else None


def _unknown(pointer: str, node: Node, name: str) -> InvalidTemplate:
    sentence = f"There is nothing called '{name}'. There are: {', '.join(NAMES)}."
    return _at(pointer, _line_of(node), sentence)


def _line_of(node: Node) -> int | None:
    return node.token.lineno if node.token else None


def _at(pointer: str, line: int | None, sentence: str) -> InvalidTemplate:
    where = f"Line {line}: " if line else ""
    return InvalidTemplate(f"{where}{sentence}", pointer=pointer, line=line)


def _values(told: Told, channel: str) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(NAMES) | _plain(told.payload["data"])
    if values["share"] is not None:
        values["share"] = f"{values['share']:.3g}"
    values |= {
        "what": told.what,
        "severity": told.severity,
        "title": told.title,
        "sentence": told.sentence,
        "url": told.links[0].url,
        "channel": channel,
    }
    return values


def _plain(value: Any) -> Any:
    """A copy in which no text is longer than what a template may show of it, and nothing is but data."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    return str(value)[:_VALUE]
