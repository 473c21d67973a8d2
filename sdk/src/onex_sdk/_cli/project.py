"""The project in which the command runs: where it begins, what `onex.toml` says, and which files are schemas."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import Impossible, WrongUsage

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "onex.toml"
WORKING_TREE = "the working tree"
_SKIPPED = frozenset({"node_modules", "__pycache__", "dist", "build"})


@dataclass(frozen=True)
class Settings:
    """What `onex.toml` may say."""

    #: Where the registry is.
    url: str = ""
    #: Which files are schemas.
    schemas: tuple[str, ...] = ("**/*.schema.json", "**/schemas/**/*.json")
    #: What `check` and `diff` compare with when the command does not say.
    against: str = "HEAD"
    #: `backward`, `forward` or `full`.
    level: str = "backward"
    #: `declared`: writers send what their schema declares; `open`: they may send anything that it does not forbid.
    world: str = "declared"
    #: Whether `format` is asserted.
    formats: bool = False
    #: The lock file, and the bundle that `pull` writes.
    lock: str = "onex.lock"
    bundle: str = "onex-schemas.json"
    #: File → subject, where the subject is not the name of the file.
    subjects: Mapping[str, str] = field(default_factory=dict)


_CHOICES = {"level": ("backward", "forward", "full"), "world": ("declared", "open")}


@dataclass(frozen=True)
class Project:
    root: Path
    settings: Settings

    @classmethod
    def here(cls) -> Project:
        """The project of the current folder. Raises as `at` does."""
        return cls.at(Path.cwd())

    @classmethod
    def at(cls, current: Path) -> Project:
        """The folder of the nearest `onex.toml`, upwards as far as the git repository goes; else the given one.

        Raises WrongUsage for an `onex.toml` that cannot be used.
        """
        for folder in (current, *current.parents):
            if (folder / FILE).is_file():
                return cls(folder, _settings(folder / FILE))
            if (folder / ".git").exists():
                return cls(folder, Settings())
        return cls(current, Settings())

    @property
    def folder(self) -> str:
        """Where the project is in its repository: `service/`; empty where it is the repository, or in none."""
        for above in (self.root, *self.root.parents):
            if (above / ".git").exists():
                inside = self.root.relative_to(above).as_posix()
                return "" if inside == "." else inside + "/"
        return ""

    @cached_property
    def everything(self) -> Collection:
        """All schemas of the working tree."""
        found = (path for path in _walked(self.root) if self.is_schema(path))
        return self.collected(WORKING_TREE, ((path, read_text(self.root / path)) for path in found))

    def chosen(self, paths: Iterable[str]) -> tuple[Collection, list[SchemaFile]]:
        """All schemas of the working tree, and those among them that the paths name: all of them without paths.

        A file that is named is a schema, whatever `schemas` says; of a folder all `.json` files are.
        """
        named = sorted({path for given in paths for path in self._named(given)})
        if not named:
            if not self.everything.files:
                raise WrongUsage(
                    f"There are no schemas in {self.root}: no file fits {', '.join(self.settings.schemas)}. Name files or "
                    f'folders, or say which files are schemas in {FILE}: schemas = ["events/**/*.json"].'
                )
            return self.everything, list(self.everything.files)
        known = {file.path: file.text for file in self.everything.files}
        texts = {**known, **{path: read_text(self.root / path) for path in named}}
        everything = self.collected(WORKING_TREE, texts.items())
        return everything, [file for file in everything.files if file.path in named]

    def _named(self, given: str) -> Iterator[str]:
        place = Path(given).resolve()
        if not place.exists():
            raise WrongUsage(f"There is no file or folder {given}.")
        try:
            path = place.relative_to(self.root.resolve()).as_posix()
        except ValueError:
            raise WrongUsage(f"{given} is outside of the project {self.root}.") from None
        if place.is_file():
            yield path
        else:
            yield from (inner for inner in _walked(self.root, path) if inner.endswith(".json"))

    def is_schema(self, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self._patterns)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [_pattern(text) for text in self.settings.schemas]

    def subject_of(self, path: str) -> str:
        """As `onex.toml` says; else the file's name without `.schema.json` or `.json`, percent-decoded."""
        said = self.settings.subjects.get(path)
        return said or unquote(PurePosixPath(path).name.removesuffix(".json").removesuffix(".schema"))

    def collected(self, label: str, texts: Iterable[tuple[str, str]]) -> Collection:
        """Raises WrongUsage when two files are of one subject."""
        owners: dict[str, str] = {}
        files = [SchemaFile(path, self.subject_of(path), text) for path, text in texts]
        for file in files:
            other = owners.setdefault(file.subject, file.path)
            if other != file.path:
                raise WrongUsage(
                    f"{other} and {file.path} are both of the subject {file.subject} in {label}. Say in {FILE} which "
                    f'subject each is: [subjects] "{file.path}" = "another.name".'
                )
        return Collection(label, tuple(files))


def read_text(path: Path) -> str:
    """Raises Impossible."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise Impossible(f"{path} cannot be read: {problem}") from problem


def _walked(root: Path, under: str = "") -> Iterator[str]:
    """Paths of the files below, relative to the root, sorted; not those of hidden folders and environments."""
    for folder, inner, names in os.walk(root / under):
        inner[:] = sorted(
            name
            for name in inner
            if not name.startswith(".")
            and name not in _SKIPPED
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            yield Path(folder, name).relative_to(root).as_posix()


def _pattern(text: str) -> re.Pattern[str]:
    """`**/` is any number of folders, `*` any part of a name."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    means = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(means.get(part, re.escape(part)) for part in parts))


def _settings(file: Path) -> Settings:
    try:
        said = tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as bad:
        raise WrongUsage(f"{file} is not TOML: {bad}") from bad
    known = {one.name: one for one in fields(Settings)}
    for name, value in said.items():
        if name not in known:
            raise WrongUsage(f"{file} says {name!r}, which is not known here. Known are {', '.join(known)}.")
        _check_setting(file, name, value)
    if "schemas" in said:
        said["schemas"] = tuple(said["schemas"])
    return Settings(**said)


def _check_setting(file: Path, name: str, value: Any) -> None:
    kinds: dict[str, type] = {"schemas": list, "subjects": dict, "formats": bool}
    held = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    if not isinstance(value, kinds.get(name, str)) or not all(isinstance(item, str) for item in held):
        raise WrongUsage(f"{file}: {name} has the wrong type: {value!r}.")
    if value not in _CHOICES.get(name, (value,)):
        raise WrongUsage(f"{file}: {name} is one of {', '.join(_CHOICES[name])}, not {value!r}.")
