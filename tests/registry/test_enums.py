"""Taxonomies as source code: compiled, imported and asked in each language, and safe whatever a taxonomy says."""

import importlib.util
import json
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest

import registry
from access.actor import SYSTEM
from registry.enums import GENERATORS, Request
from registry.enums.java import MOST_CONSTANTS
from registry.enums.source import plain
from registry.taxonomy import publish_taxonomy
from registry.taxonomy_errors import InvalidPackage, TaxonomyTooLarge
from registry.taxonomy_problems import problems
from registry.taxonomy_tree import Tree
from tests.require import ABSENT, require

ERRORS = json.loads((Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8"))
# Each ends a comment, a literal or a line somewhere, or turns text round on the screen.
NASTY = [
    "*/ int x = 1; /* \"\"\" ''' \\",
    "\\u002a\\u002f static { throw new Error(); } \\u000a",
    "line one\nline two\r\nline three\u2028four\u2029five\x0bsix\x0cseven\x85eight",
    "${process.exit(1)} `backtick` #{x} %s {0} {name} @deprecated {@link x} <script>",
    "\u202egnp.exe\u202c \u2066x\u2069 \ufeff \u200b \x00 \x1b[31m",
    "//go:generate rm -rf / \n//go:embed x",
    '", exit(1), "',
    "ends with a backslash \\",
    "日本語 😀 naïve",
]


def hostile():
    """A taxonomy whose every text tries to get out, and whose names clash once they are written in another case."""
    codes = [
        {
            "number": n,
            "slug": slug,
            "meaning": f"x{text}",
            "description": text,
            "severity": "ERROR",
            "recoverable": "no",
            "since": "1.0.0",
            "owner": text,
        }
        for n, (slug, text) in enumerate(zip(SLUGS, NASTY, strict=False), start=1)
    ]
    codes[0] |= {"deprecated": "1.0.0", "replaced_by": "BAD_CLASS_002"}
    areas = [{"token": "CLASS", "codes": codes}, {"token": "IMPORT", "codes": []}]
    return {"taxonomy": "coding: utf-7 */ class", "version": "1.0.0", "prefix": "BAD", "areas": areas}


SLUGS = ["A_1_2", "A_12", "A12", "NONE", "TRUE", "INFO", "NULL", "FUNC", "DEF"]


def big(count=1_200):
    areas = [
        {
            "token": f"AREA{letter}",
            "codes": [
                {
                    "number": n,
                    "slug": f"A_NAME_OF_USUAL_LENGTH_{n}",
                    "meaning": f"What number {n} means, in one sentence.",
                    "severity": "WARNING",
                    "recoverable": "retry",
                    "http_status": 503,
                    "since": "1.0.0",
                }
                for n in range(min(1_000, count - 1_000 * place))
            ],
        }
        for place, letter in enumerate(string.ascii_uppercase[: (count + 999) // 1_000])
    ]
    return {"taxonomy": "big", "version": "1.0.0", "prefix": "BIG", "areas": areas}


EMPTY = {"taxonomy": "7", "version": "1.0.0", "prefix": "NO", "areas": []}
TAXONOMIES = {"onex": ERRORS, "hostile": hostile(), "big": big(), "empty": EMPTY}


def generated(language, document, package=""):
    tree = Tree.of(document)
    assert problems(tree) == []
    return GENERATORS[language](Request(tree, "0" * 64, package))


def ran(*argv, folder):
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def codes_of(document):
    """Short form → what every language has to say about the code."""
    return {
        code.short: [
            code.long,
            plain(code.meaning),
            code.severity,
            code.recoverable,
            code.http_status,
            code.exit_code,
        ]
        for code in Tree.of(document).codes
    }


@pytest.mark.parametrize("which", TAXONOMIES)
def test_python_imports_it_and_knows_every_code(which, tmp_path):
    document = TAXONOMIES[which]
    source = generated("py", document)
    file = tmp_path / source.file
    file.write_text(source.text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"generated_{which}", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    (enum,) = (value for name, value in vars(module).items() if name.endswith("Code"))
    said = {c.value: [c.long, c.meaning, c.severity, c.recoverable, c.http_status, c.exit_code] for c in enum}
    assert said == codes_of(document)
    for code in enum:
        assert enum.parse(code.long) is enum.parse(str(code)) is code
    assert enum.parse("unknown") is None


def test_python_members_read_as_text_and_say_what_replaces_them(tmp_path):
    namespace = {"__name__": "generated"}
    exec(generated("py", hostile()).text, namespace)
    old = namespace["CodingUtf7ClassCode"].CLASS_A_1_2
    assert (f"{old}", old.deprecated, old.replaced_by) == ("BAD_CLASS_001", "1.0.0", "BAD_CLASS_002")


@pytest.fixture(scope="module")
def typescript(tmp_path_factory):
    """The compiler, from npm: a module fixture, because fetching it takes a second."""
    npm, node = require("npm"), require("node")
    folder = tmp_path_factory.mktemp("typescript")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", "typescript@5"]
    done = subprocess.run(install, cwd=folder, capture_output=True, check=False, timeout=100)
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    if done.returncode or not compiler.exists():
        pytest.skip(f"{ABSENT}typescript from npm")
    return node, compiler


@pytest.mark.parametrize("which", TAXONOMIES)
def test_typescript_compiles_strictly_and_knows_every_code(which, typescript, tmp_path):
    node, compiler = typescript
    source = generated("ts", TAXONOMIES[which])
    name = source.file.removesuffix(".ts")
    (tmp_path / source.file).write_text(source.text, encoding="utf-8")
    (tmp_path / "use.ts").write_text(
        f"""
        import {{ {name}, {name}Infos, parse{name} }} from "./{name}";
        const every: {name}[] = Object.values({name});
        const said: Record<string, unknown[]> = {{}};
        for (const code of every) {{
            const info = {name}Infos[code];
            if (parse{name}(info.long) !== code || parse{name}(code) !== code) throw new Error(code);
            said[code] = [info.long, info.meaning, info.severity, info.recoverable, info.httpStatus, info.exitCode];
        }}
        if (parse{name}("unknown") !== undefined || parse{name}("toString") !== undefined) throw new Error("unknown");
        console.log(JSON.stringify(said));
        """,
        encoding="utf-8",
    )
    if which == "empty":
        # With no code there is nothing to ask about: every type is `never`.
        ran(node, compiler, "--strict", "--noEmit", "--target", "es2020", source.file, folder=tmp_path)
        return
    (tmp_path / "node.d.ts").write_text("declare const console: {log(text: string): void};", encoding="utf-8")
    options = [
        "--strict",
        "--noUnusedLocals",
        "--lib",
        "es2020",
        "--target",
        "es2020",
        "--module",
        "commonjs",
    ]
    ran(node, compiler, *options, "use.ts", "node.d.ts", folder=tmp_path)
    assert json.loads(ran(node, "use.js", folder=tmp_path)) == codes_of(TAXONOMIES[which])


@pytest.mark.parametrize("which", TAXONOMIES)
def test_go_compiles_is_formatted_and_knows_every_code(which, tmp_path):
    go = require("go")
    source = generated("go", TAXONOMIES[which], package="codes")
    folder = tmp_path / "codes"
    folder.mkdir()
    (folder / source.file).write_text(source.text, encoding="utf-8")
    (tmp_path / "go.mod").write_text("module example\n\ngo 1.21\n", encoding="utf-8")
    names = re.findall(r"^\t(Code\w+) Code = ", source.text, re.MULTILINE)
    assert len(set(names)) == len(codes_of(TAXONOMIES[which]))
    listed = ", ".join(f"codes.{name}" for name in names)
    (tmp_path / "main.go").write_text(
        f"""package main

import (
    "encoding/json"
    "os"

    "example/codes"
)

func main() {{
    said := map[codes.Code][]any{{}}
    for _, code := range []codes.Code{{ {listed} }} {{
        info, known := code.Info()
        same, parsed := codes.Parse(info.Long)
        if !known || !parsed || same != code {{
            panic(string(code))
        }}
        said[code] = []any{{info.Long, info.Meaning, info.Severity, info.Recoverable, info.HTTPStatus, info.ExitCode}}
    }}
    if _, known := codes.Parse("unknown"); known {{
        panic("unknown")
    }}
    json.NewEncoder(os.Stdout).Encode(said)
}}
""",
        encoding="utf-8",
    )
    ran(go, "vet", "./codes", folder=tmp_path)
    if gofmt := shutil.which("gofmt"):
        assert ran(gofmt, "-l", "codes", folder=tmp_path) == ""
    said = json.loads(ran(go, "run", ".", folder=tmp_path))
    assert said == {
        short: [-1 if fact is None else fact for fact in facts]
        for short, facts in codes_of(TAXONOMIES[which]).items()
    }


@pytest.mark.parametrize("which", TAXONOMIES)
def test_java_compiles_without_a_warning_and_knows_every_code(which, tmp_path):
    javac, java = require("javac"), require("java")
    source = generated("java", TAXONOMIES[which])
    name = source.file.removesuffix(".java")
    (tmp_path / source.file).write_text(source.text, encoding="utf-8")
    (tmp_path / "Use.java").write_text(
        f"""
        public class Use {{
            public static void main(String[] ignored) throws Exception {{
                var out = new java.io.PrintStream(System.out, true, "UTF-8");
                for ({name} code : {name}.values()) {{
                    if ({name}.parse(code.longForm()).get() != code || {name}.parse(code.code()).get() != code) {{
                        throw new IllegalStateException(code.code());
                    }}
                    out.println(String.join("\\t", code.toString(), code.longForm(), code.meaning(),
                        code.severity().toString(), code.recoverable().toString().toLowerCase(),
                        "" + code.httpStatus(), "" + code.exitCode()));
                }}
                if ({name}.parse("unknown").isPresent()) throw new IllegalStateException("unknown");
            }}
        }}
        """,
        encoding="utf-8",
    )
    ran(javac, "-encoding", "UTF-8", "-Xlint:all", "-Werror", source.file, "Use.java", folder=tmp_path)
    lines = [line.split("\t") for line in ran(java, "-cp", ".", "Use", folder=tmp_path).split("\n") if line]
    said = {short: facts for short, *facts in lines}
    assert said == {
        short: [str(-1 if fact is None else fact) for fact in facts]
        for short, facts in codes_of(TAXONOMIES[which]).items()
    }


def test_java_says_when_a_class_has_no_room_for_a_taxonomy(tmp_path):
    with pytest.raises(TaxonomyTooLarge, match="holds 2,000 constants"):
        generated("java", big(MOST_CONSTANTS + 1))
    source = generated("java", big(MOST_CONSTANTS))
    (tmp_path / source.file).write_text(source.text, encoding="utf-8")
    ran(require("javac"), source.file, folder=tmp_path)


@pytest.mark.parametrize("language", GENERATORS)
@pytest.mark.parametrize("text", NASTY)
def test_no_text_leaves_its_line(language, text):
    """As many lines as with harmless texts, and nothing invisible in any of them."""
    document = json.loads(json.dumps(ERRORS))
    code = document["areas"][0]["codes"][0]
    code |= {"meaning": f"x{text}", "description": "d"}
    harmless = json.loads(json.dumps(document))
    harmless["areas"][0]["codes"][0]["meaning"] = "harmless"
    nasty, tame = (generated(language, d).text for d in (document, harmless))
    assert len(nasty.splitlines()) == len(tame.splitlines())
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", nasty)


@pytest.mark.parametrize(
    ("language", "package", "legal"),
    [
        ("java", "com.example.errors", True),
        ("java", "com.class.errors", False),
        ("java", "x; import evil.*", False),
        ("java", "a..b", False),
        ("go", "shoperrors", True),
        ("go", "func", False),
        ("go", "Shop", False),
        ("go", "x\nimport evil", False),
    ],
)
def test_a_package_is_a_legal_name_or_refused(language, package, legal):
    if legal:
        assert f"package {package}" in generated(language, ERRORS, package).text
    else:
        with pytest.raises(InvalidPackage):
            generated(language, ERRORS, package)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "file", "kind"),
    [
        ("py", "onex_errors_codes.py", "text/x-python"),
        ("ts", "OnexErrorsCode.ts", "text/typescript"),
        ("go", "onexerrorscodes.go", "text/x-go"),
        ("java", "OnexErrorsCode.java", "text/x-java-source"),
    ],
)
def test_rest_gives_it_as_a_file_with_the_version_and_digest_it_was_made_of(owner, language, file, kind):
    edition = publish_taxonomy(actor=SYSTEM, document=ERRORS).version
    answer = owner.api.get(f"/api/v1/taxonomies/onex-errors/versions/^1/codes.{language}")
    assert answer["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="{file}"'
    text = answer.content.decode()
    assert "onex-errors 1.0.0" in text
    assert bytes(edition.digest).hex() in text


@pytest.mark.django_db
def test_another_language_or_package_is_refused_over_rest(owner):
    publish_taxonomy(actor=SYSTEM, document=ERRORS)
    address = "/api/v1/taxonomies/onex-errors/versions/latest/codes"
    answer = owner.api.get(f"{address}.cobol")
    assert (answer.status_code, answer.json()["details"]["known"]) == (404, ["py", "ts", "go", "java"])
    assert owner.api.get(f"{address}.go?package=func").status_code == 422
