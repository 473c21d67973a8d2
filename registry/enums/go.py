"""A taxonomy as a Go package: typed constants and a table of what is known about them."""

import re
from collections.abc import Iterator

from registry.enums.source import (
    Request,
    Source,
    deprecation_of,
    docs_of,
    member_name,
    pascal,
    plain,
    text_literal,
    type_name,
    unique,
    words,
)
from registry.taxonomy_tree import Code

_PACKAGE = re.compile("[a-z][a-z0-9]{0,63}")
_KEYWORDS = words(
    "break case chan const continue default defer else fallthrough for func go goto if import interface main map "
    "package range return select struct switch type var"
)
_TYPES = """\
// Info is what is known about a code.
type Info struct {
	Long        string
	Meaning     string
	Severity    string
	Recoverable string
	// HTTPStatus and ExitCode are -1 where the taxonomy says none.
	HTTPStatus int
	ExitCode   int
	// Deprecated is the edition that deprecated it, "" for a code in use.
	Deprecated string
	ReplacedBy Code
}

// Info says what is known about the code; false for one that this edition does not know.
func (c Code) Info() (Info, bool) {
	info, known := infos[c]
	return info, known
}

// Parse reads the short or the long form; false for a code that this edition does not know.
func Parse(text string) (Code, bool) {
	if _, known := infos[Code(text)]; known {
		return Code(text), true
	}
	for code, info := range infos {
		if info.Long == text {
			return code, true
		}
	}
	return "", false
}

"""


def generate(request: Request) -> Source:
    tree = request.tree
    default = re.sub("[^a-z0-9]", "", type_name(tree).lower())[:60] + "s"
    package = request.package_or(default, legal=_PACKAGE, keywords=_KEYWORDS)
    names = unique((code, pascal(member_name(code))) for code in tree.codes)
    return Source(f"{default}.go", "text/x-go", "".join(_lines(request, package, names)))


def _lines(request: Request, package: str, names: dict[str, str]) -> Iterator[str]:
    tree = request.tree
    # The form that Go's own tools know generated files by.
    yield f"// Code generated from {plain(tree.taxonomy)} {tree.version} by Onex Registry. DO NOT EDIT.\n"
    yield f"// {request.header[1]}\n\n"
    yield f"// Package {package} holds the error codes of {plain(tree.taxonomy)}.\npackage {package}\n\n"
    yield "// Code is an error code in its short form.\ntype Code string\n\n"
    if names:
        yield (
            "const (\n"
            + "\n".join(_constant(code, f"Code{names[code.short]}") for code in tree.codes)
            + ")\n\n"
        )
    yield _TYPES
    yield "var infos = map[Code]Info{" + ("\n" if names else "")
    # Blank lines keep Go's formatter from lining the table up.
    yield "\n".join(_info(code, f"Code{names[code.short]}") for code in tree.codes)
    yield "}\n"


def _constant(code: Code, name: str) -> str:
    docs = docs_of(code)
    lines = [f"{name}: {docs[0]}", *docs[1:]]
    if deprecation := deprecation_of(code):
        lines += ["", f"Deprecated: {plain(deprecation)}"]
    comment = "".join(f"\t// {line}".rstrip() + "\n" for line in lines)
    return f"{comment}\t{name} Code = {text_literal(code.short)}\n"


def _info(code: Code, name: str) -> str:
    facts = [
        ("Long", text_literal(code.long)),
        ("Meaning", text_literal(code.meaning)),
        ("Severity", text_literal(code.severity)),
        ("Recoverable", text_literal(code.recoverable)),
        ("HTTPStatus", str(-1 if code.http_status is None else code.http_status)),
        ("ExitCode", str(-1 if code.exit_code is None else code.exit_code)),
        ("Deprecated", text_literal(code.deprecated or "")),
        ("ReplacedBy", text_literal(code.replaced_by or "")),
    ]
    return f"\t{name}: {{{', '.join(f'{field}: {value}' for field, value in facts)}}},\n"
