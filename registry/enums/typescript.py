"""A taxonomy as a TypeScript module: a constant object and the union of its values, without anything to run."""

from registry.enums.source import (
    Request,
    Source,
    deprecation_of,
    docs_of,
    member_name,
    plain,
    text_literal,
    type_name,
)
from registry.taxonomy_tree import Code

_TYPES = """\
export type {name} = (typeof {name})[keyof typeof {name}];

export interface {name}Info {{
  readonly code: {name};
  readonly long: string;
  readonly meaning: string;
  readonly severity: "CRITICAL" | "ERROR" | "WARNING" | "INFO";
  readonly recoverable: "no" | "yes" | "retry";
  readonly httpStatus: number | null;
  readonly exitCode: number | null;
  readonly deprecated: string | null;
  readonly replacedBy: string | null;
}}

/** What is known about every code. */
export const {name}Infos: Readonly<Record<{name}, {name}Info>> = {{
"""
_TAIL = """\
}};

/** The code in its short or long form; undefined for one that this edition does not know. */
export function parse{name}(text: string): {name} | undefined {{
  if (Object.prototype.hasOwnProperty.call({name}Infos, text)) {{
    return text as {name};
  }}
  return Object.values<{name}Info>({name}Infos).find((info) => info.long === text)?.code;
}}
"""


def generate(request: Request) -> Source:
    tree, name = request.tree, type_name(request.tree)
    header = "".join(f"// {line}\n" for line in request.header)
    title = _comment(f"The error codes of {tree.taxonomy} {tree.version}; the value is the short form.")
    members = "".join(_member(code) for code in tree.codes)
    infos = "".join(_info(code) for code in tree.codes)
    text = (
        f"{header}\n/** {title} */\nexport const {name} = {{\n{members}}} as const;\n\n"
        f"{_TYPES.format(name=name)}{infos}{_TAIL.format(name=name)}"
    )
    return Source(f"{name}.ts", "text/typescript", text)


def _comment(text: str) -> str:
    """For a block comment: its end cannot be written in it, nor a tag of the compiler's."""
    return plain(text).replace("*/", "*\\/").replace("@", "\\@")


def _member(code: Code) -> str:
    docs = [_comment(line) for line in docs_of(code)]
    if deprecation := deprecation_of(code):
        docs.append(f"@deprecated {_comment(deprecation)}")
    comment = "".join(f"   * {line}\n" for line in docs)
    return f"  /**\n{comment}   */\n  {member_name(code)}: {text_literal(code.short)},\n"


def _info(code: Code) -> str:
    facts = {
        "code": text_literal(code.short),
        "long": text_literal(code.long),
        "meaning": text_literal(code.meaning),
        "severity": text_literal(code.severity),
        "recoverable": text_literal(code.recoverable),
        "httpStatus": _or_null(code.http_status),
        "exitCode": _or_null(code.exit_code),
        "deprecated": text_literal(code.deprecated) if code.deprecated else "null",
        "replacedBy": text_literal(code.replaced_by) if code.replaced_by else "null",
    }
    members = ", ".join(f"{name}: {value}" for name, value in facts.items())
    return f"  {code.short}: {{ {members} }},\n"


def _or_null(value: int | None) -> str:
    return "null" if value is None else str(value)
