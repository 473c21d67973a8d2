"""A taxonomy as a Python module: a StrEnum whose members carry what is known about them."""

import re

from registry.enums.source import (
    Request,
    Source,
    deprecation_of,
    docs_of,
    member_name,
    text_literal,
    type_name,
)
from registry.taxonomy_tree import Code

_HEAD = '''\
from __future__ import annotations

from enum import StrEnum


class {name}(StrEnum):
    """The error codes of {taxonomy} {version}; the value is the short form."""

    meaning: str
    severity: str
    recoverable: str
    http_status: int | None
    exit_code: int | None
    deprecated: str | None
    replaced_by: str | None
    long: str

    def __new__(
        cls,
        value: str,
        slug: str,
        meaning: str,
        severity: str,
        recoverable: str,
        http_status: int | None = None,
        exit_code: int | None = None,
        deprecated: str | None = None,
        replaced_by: str | None = None,
    ) -> {name}:
        member = str.__new__(cls, value)
        member._value_ = value
        member.long = f"{{value}}_{{slug}}"
        member.meaning = meaning
        member.severity = severity
        member.recoverable = recoverable
        member.http_status = http_status
        member.exit_code = exit_code
        member.deprecated = deprecated
        member.replaced_by = replaced_by
        return member

    @classmethod
    def parse(cls, text: str) -> {name} | None:
        """The code in its short or long form; None for one that this edition does not know."""
        return _BY_TEXT.get(text)

'''
_TAIL = """
_BY_TEXT: dict[str, {name}] = {{text: code for code in {name} for text in (code.value, code.long)}}
"""


def generate(request: Request) -> Source:
    tree, name = request.tree, type_name(request.tree)
    head = _HEAD.format(name=name, taxonomy=_comment(tree.taxonomy), version=tree.version)
    members = "\n".join(_member(code) for code in tree.codes)
    # Said first: a comment in one of the first two lines may otherwise choose the encoding.
    header = "\n".join(["# -*- coding: utf-8 -*-", *(f"# {line}" for line in request.header)])
    text = f"{header}\n{head}{members}\n{_TAIL.format(name=name)}"
    return Source(f"{_module(name)}.py", "text/x-python", text)


def _module(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + "s"


def _comment(text: str) -> str:
    """For a docstring: neither its end nor an escape can be written in it."""
    return re.sub(r'["\\]', "'", " ".join(text_literal(text)[1:-1].split()))


def _member(code: Code) -> str:
    deprecation = deprecation_of(code)
    docs = [*docs_of(code), *([f"Deprecated {deprecation}"] if deprecation else [])]
    values = [
        text_literal(code.short),
        text_literal(code.slug),
        text_literal(code.meaning),
        text_literal(code.severity),
        text_literal(code.recoverable),
        str(code.http_status),
        str(code.exit_code),
        text_literal(code.deprecated) if code.deprecated else "None",
        text_literal(code.replaced_by) if code.replaced_by else "None",
    ]
    comments = "".join(f"    #: {line}\n" for line in docs)
    lines = "".join(f"        {value},\n" for value in values)
    return f"{comments}    {member_name(code)} = (\n{lines}    )"
