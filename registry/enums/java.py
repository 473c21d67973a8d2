"""A taxonomy as a Java enumeration."""

import re

from registry.enums.source import (
    Request,
    Source,
    deprecation_of,
    docs_of,
    member_name,
    plain,
    text_literal,
    type_name,
    words,
)
from registry.taxonomy_errors import TaxonomyTooLarge
from registry.taxonomy_tree import Code

_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,20}")
_KEYWORDS = words(
    "_ abstract assert boolean break byte case catch char class const continue default do double else enum extends "
    "false final finally float for goto if implements import instanceof int interface java long native new null "
    "package private protected public return short static strictfp super switch synchronized this throw throws "
    "transient true try void volatile while"
)
_TAIL = """
    private final String code;
    private final String meaning;
    private final Severity severity;
    private final Recoverable recoverable;
    private final int httpStatus;
    private final int exitCode;

    {name}(
            String code,
            String meaning,
            Severity severity,
            Recoverable recoverable,
            int httpStatus,
            int exitCode) {{
        this.code = code;
        this.meaning = meaning;
        this.severity = severity;
        this.recoverable = recoverable;
        this.httpStatus = httpStatus;
        this.exitCode = exitCode;
    }}

    /** What somebody has to do. */
    public enum Severity {{ CRITICAL, ERROR, WARNING, INFO }}

    /** Whether the operation can go on. */
    public enum Recoverable {{ NO, YES, RETRY }}

    /** The short form. */
    public String code() {{
        return code;
    }}

    /** The short form with the name behind it. */
    public String longForm() {{
        return code + name().substring(name().indexOf('_'));
    }}

    public String meaning() {{
        return meaning;
    }}

    public Severity severity() {{
        return severity;
    }}

    public Recoverable recoverable() {{
        return recoverable;
    }}

    /** The HTTP status, -1 where the taxonomy says none. */
    public int httpStatus() {{
        return httpStatus;
    }}

    /** The exit code, -1 where the taxonomy says none. */
    public int exitCode() {{
        return exitCode;
    }}

    /** The code in its short or long form; empty for one that this edition does not know. */
    public static java.util.Optional<{name}> parse(String text) {{
        for ({name} candidate : values()) {{
            if (candidate.code.equals(text) || candidate.longForm().equals(text)) {{
                return java.util.Optional.of(candidate);
            }}
        }}
        return java.util.Optional.empty();
    }}

    @Override
    public String toString() {{
        return code;
    }}
}}
"""


#: What the class file format has room for: the constants are made in one method of at most 64 KiB.
MOST_CONSTANTS = 2_000


def generate(request: Request) -> Source:
    """Raises InvalidPackage, TaxonomyTooLarge."""
    tree, name = request.tree, type_name(request.tree)
    if len(tree.by_short) > MOST_CONSTANTS:
        raise TaxonomyTooLarge(
            f"A Java enumeration holds {MOST_CONSTANTS:,} constants at most; this edition has {len(tree.by_short):,}.",
            codes=len(tree.by_short),
            limit=MOST_CONSTANTS,
        )
    package = request.package_or("", legal=_PACKAGE, keywords=_KEYWORDS)
    header = "".join(f"// {_escaped(line)}\n" for line in request.header)
    title = _comment(f"The error codes of {tree.taxonomy} {tree.version}.")
    members = ",\n\n".join(_member(code) for code in tree.codes)
    text = (
        f"{header}{f'package {package};' + chr(10) if package else ''}\n/** {title} */\n"
        f"public enum {name} {{\n{members};\n{_TAIL.format(name=name)}"
    )
    return Source(f"{name}.java", "text/x-java-source", text)


def _escaped(text: str) -> str:
    """Java reads \\u escapes even in comments, where one could end them."""
    return plain(text).replace("\\", "/")


def _comment(text: str) -> str:
    """For Javadoc, which is HTML and knows tags beginning with @ and {."""
    entities = {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "@": "&#64;",
        "{": "&#123;",
        "}": "&#125;",
        "*": "&#42;",
        "\\": "&#92;",
    }
    return "".join(entities.get(character, character) for character in plain(text))


def _member(code: Code) -> str:
    docs = [_comment(line) for line in docs_of(code)]
    deprecation = deprecation_of(code)
    if deprecation:
        docs.append(f"@deprecated {_comment(deprecation)}")
    comment = "".join(f"     * {line}\n" for line in docs)
    annotation = "    @Deprecated\n" if deprecation else ""
    values = [
        text_literal(code.short),
        text_literal(code.meaning),
        f"Severity.{code.severity}",
        f"Recoverable.{code.recoverable.upper()}",
        str(-1 if code.http_status is None else code.http_status),
        str(-1 if code.exit_code is None else code.exit_code),
    ]
    lines = ",\n".join(f"            {value}" for value in values)
    return f"    /**\n{comment}     */\n{annotation}    {member_name(code)}(\n{lines})"
