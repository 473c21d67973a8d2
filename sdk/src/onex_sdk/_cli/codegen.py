"""`onex codegen`: classes from schemas, and schemas from classes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from onex_sdk._cli.code_first import collection_of
from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import CLEAN, FINDINGS, Impossible
from onex_sdk._cli.judging import unreadable_now
from onex_sdk._cli.lock_file import Lock
from onex_sdk._cli.options import finished, with_progress, write
from onex_sdk._cli.project import Project, read_text
from onex_sdk._cli.schema_text import written_schema
from onex_sdk._cli.typescript import type_name, typescript
from onex_sdk._cli.verdicts import verdicts

_INSTALL = "pip install 'onex-sdk[codegen]'"


@dataclass(frozen=True)
class _Source:
    """A schema that holds all it refers to."""

    subject: str
    value: Any
    text: str
    #: The registered version, where the lock file knows it.
    semver: str | None


@click.command(short_help="Code from schemas, or schemas from code.")
@click.argument("paths", nargs=-1)
@click.option(
    "--language",
    type=click.Choice(["pydantic", "typescript", "jsonschema"]),
    default="pydantic",
    show_default=True,
)
@click.option("--module", help="Classes decorated with @event in this module, instead of schema files.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="A folder, in which each schema becomes a file.",
)
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit status 1 where a file would change."
)
def codegen(
    *, paths: tuple[str, ...], language: str, module: str | None, output: Path, only_check: bool
) -> None:
    """Write code for schemas: pydantic v2 models that `emit_model` takes, or TypeScript types.

    `--language jsonschema --module shop.events` goes the other way: schema files from decorated classes, for review and
    for `onex check`. Without network.
    """
    if module and paths:
        raise click.UsageError("PATHS or --module: choose one.")
    project = Project.here()
    if module:
        everything = collection_of(module)
        chosen = list(everything.files)
    else:
        everything, chosen = project.chosen(paths)
    suffix, generate = _LANGUAGES[language]
    lock = Lock.of(project)
    changed = []
    for file in with_progress(chosen, "Writing"):
        locked = lock.subjects.get(file.subject)
        source = _source(file, everything, locked.semver if locked else None)
        place, text = output / _file_name(source, suffix), generate(source)
        if not place.exists() or read_text(place) != text:
            changed.append(place)
            if not only_check:
                write(place, text)
    for place in changed:
        click.echo(f"{place}: {'out of date' if only_check else 'written'}")
    click.echo(f"{len(chosen) - len(changed)} of {len(chosen)} files are as they were", err=True)
    finished(FINDINGS if only_check and changed else CLEAN)


def _source(file: SchemaFile, everything: Collection, semver: str | None) -> _Source:
    """Raises Impossible for what is no schema."""
    unreadable = unreadable_now(file, everything)
    if unreadable:
        [finding] = unreadable.findings
        raise Impossible(f"{file.path}:{finding.place.line}: {finding.place.sentence}")
    store = everything.store(file)
    if not store:
        return _Source(file.subject, file.schema.value, file.text, semver)
    answer = verdicts().bundle(file.schema.value, store=store)
    if answer["status"] == "invalid":
        raise Impossible(f"{file.path}: {answer['message']}")
    return _Source(file.subject, answer["schema"], written_schema(answer["schema"]), semver)


def _file_name(source: _Source, suffix: str) -> str:
    if suffix == ".py":
        return "".join(c if c.isalnum() else "_" for c in source.subject.lower()) + suffix
    return quote(source.subject, safe=" ") + suffix


def _as_typescript(source: _Source) -> str:
    return f"{_header(source, '//')}\n\n{typescript(source.value, type_name(source.subject))}"


def _as_json_schema(source: _Source) -> str:
    return source.text


def _as_pydantic(source: _Source) -> str:
    try:
        import datamodel_code_generator as generator
        from datamodel_code_generator.enums import DataModelType
        from datamodel_code_generator.format import Formatter
    except ImportError as absent:
        raise Impossible(f"pydantic models need datamodel-code-generator: {_INSTALL}") from absent
    name = type_name(source.subject)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model.py"
        try:
            generator.generate(
                source.text,
                input_file_type=generator.InputFileType.JsonSchema,
                output=place,
                output_model_type=DataModelType.PydanticV2BaseModel,
                target_python_version=generator.PythonVersion.PY_310,
                class_name=name,
                custom_file_header=_header(source, "#"),
                additional_imports=["onex_sdk.event"],
                use_standard_collections=True,
                use_union_operator=True,
                use_schema_description=True,
                field_constraints=True,
                disable_timestamp=True,
                use_double_quotes=True,
                allow_remote_refs=False,
                treat_dot_as_module=False,
                formatters=[Formatter.BUILTIN],
            )
        except Exception as problem:
            raise Impossible(
                f"datamodel-code-generator makes nothing of {source.subject}: {problem}"
            ) from problem
        text = place.read_text(encoding="utf-8")
    return _decorated(text, source, name)


def _decorated(text: str, source: _Source, name: str) -> str:
    """The class of the schema itself says which event type it is; a schema that is no object has no class."""
    version = f', version="^{source.semver}"' if source.semver else ""
    wanted = f"\nclass {name}("
    if wanted not in text:
        return text.replace("from onex_sdk import event\n", "")
    return text.replace(wanted, f'\n@event("{source.subject}"{version})\nclass {name}(', 1)


def _header(source: _Source, mark: str) -> str:
    return f"{mark} Generated by `onex codegen` from the schema of {source.subject}. Change that, not this."


_LANGUAGES: dict[str, tuple[str, Callable[[_Source], str]]] = {
    "pydantic": (".py", _as_pydantic),
    "typescript": (".ts", _as_typescript),
    "jsonschema": (".schema.json", _as_json_schema),
}
