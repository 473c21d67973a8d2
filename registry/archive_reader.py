"""Reading an archive that may come from anywhere: nothing is believed before it was checked.

No member leaves the folder, none is read beyond its limit, all have the sum that the manifest says, and each one has
the shape that `archive.schema.json` says.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO, Any, Self

from django.conf import settings

from registry import archive_format as layout
from registry.canonical import storable
from registry.import_errors import ArchiveTooLarge, InvalidArchive

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]

# Of a damaged archive, that many problems tell enough.
_MOST_PROBLEMS = 100
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


class _Bad(Exception):
    """One problem of one member, in words."""


class Archive:
    """An archive whose outline is in order: known names, within the limits, a manifest of a known format.

    A context manager. Raises InvalidArchive, ArchiveTooLarge.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as damaged:
            raise InvalidArchive.because([f"It is no zip file, or a damaged one ({damaged})."]) from damaged
        self._entries = self._outlined()
        # Whether everything was held against the format once.
        self._verified = False
        try:
            self.manifest: Json = self._read(layout.MANIFEST)
        except _Bad as bad:
            raise InvalidArchive.because([str(bad)]) from bad
        if self.manifest["format"] != layout.FORMAT:
            raise InvalidArchive.because(
                [
                    f"Its format is {self.manifest['format']}; this version of the product reads {layout.FORMAT}."
                ]
            )
        self._versions: dict[str, list[int]] = {}
        self._editions: dict[str, list[int]] = {}
        self._migrations: dict[str, list[int]] = {}
        self._index()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._zip.close()

    def _outlined(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > settings.CATALOGUE_MAX_MEMBERS:
            raise ArchiveTooLarge(
                f"{len(entries):,} members", settings.CATALOGUE_MAX_MEMBERS, "CATALOGUE_MAX_MEMBERS"
            )
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > settings.CATALOGUE_MAX_UNPACKED_BYTES:
            told = f"{unpacked:,} bytes when it is unpacked"
            raise ArchiveTooLarge(told, settings.CATALOGUE_MAX_UNPACKED_BYTES, "CATALOGUE_MAX_UNPACKED_BYTES")
        for entry in entries:
            if entry.file_size > settings.CATALOGUE_MAX_MEMBER_BYTES:
                told = f"a member of {entry.file_size:,} bytes ({entry.filename[:100]})"
                raise ArchiveTooLarge(told, settings.CATALOGUE_MAX_MEMBER_BYTES, "CATALOGUE_MAX_MEMBER_BYTES")
        found = {entry.filename: entry for entry in entries}
        problems = [
            f"'{name[:100]}' is no member of such an archive." for name in found if not layout.kind_of(name)
        ]
        if len(found) != len(entries):
            problems.append("A member occurs twice.")
        if layout.MANIFEST not in found:
            problems.append(f"It has no {layout.MANIFEST}: it is no archive of a catalogue.")
        if problems:
            raise InvalidArchive.because(problems[:_MOST_PROBLEMS])
        return found

    def _index(self) -> None:
        listed = {*self.manifest["members"], layout.MANIFEST}
        present = set(self._entries)
        problems = [f"'{name}' is missing." for name in sorted(listed - present)]
        problems += [f"The manifest does not name '{name}'." for name in sorted(present - listed)]
        needed = {layout.CONTEXTS, layout.CONFIGURATIONS, layout.CONTENTS, layout.IDS}
        problems += [f"'{name}' is missing." for name in sorted(needed - present - listed)]
        for name in present:
            kind, (_, folder, *rest) = layout.kind_of(name), f"{name}//".split("/", 2)
            if kind in {"version", "subject"}:
                numbers = self._versions.setdefault(folder, [])
            elif kind == "migration":
                numbers = self._migrations.setdefault(folder, [])
            elif kind in {"edition", "taxonomy"}:
                numbers = self._editions.setdefault(folder, [])
            else:
                continue
            if kind in {"version", "edition", "migration"}:
                numbers.append(int(rest[0].split("/")[1].split(".")[0]))
        heads = {f"subjects/{folder}/subject.json" for folder in [*self._versions, *self._migrations]}
        heads |= {f"taxonomies/{folder}/taxonomy.json" for folder in self._editions}
        problems += [f"'{name}' is missing." for name in sorted(heads - present - listed)]
        if problems:
            raise InvalidArchive.because(problems[:_MOST_PROBLEMS])

    def verify(self, progress: Progress) -> None:
        """Reads everything once: sums and shapes. Raises InvalidArchive with all that is wrong."""
        problems: list[str] = []
        names = sorted(self.manifest["members"])
        for done, name in enumerate(names, 1):
            try:
                self._verify(name)
            except _Bad as bad:
                problems.append(str(bad))
                if len(problems) == _MOST_PROBLEMS:
                    break
            progress("Members checked", done, len(names))
        if problems:
            raise InvalidArchive.because(problems)
        self._verified = True

    def _verify(self, name: str) -> None:
        kind, promised = layout.kind_of(name), self.manifest["members"][name]
        sum_ = hashlib.sha256()
        for line in self._lines(name):
            sum_.update(line)
            if kind in {"contents", "ids"}:
                _checked(name, kind, _parsed(name, line))
        if sum_.hexdigest() != promised["sha256"]:
            raise _Bad(f"'{name}' is not what the manifest says: it was changed or damaged.")
        if kind not in {"contents", "ids", "schema"}:
            found = self._read(name)
            if layout_name(name, kind, found) != name:
                raise _Bad(f"'{name}' tells about something that belongs under another name.")

    def contexts(self) -> list[str]:
        found: list[str] = self._read(layout.CONTEXTS)
        return found

    def configurations(self) -> list[Json]:
        found: list[Json] = self._read(layout.CONFIGURATIONS)
        return found

    def contents(self) -> Iterator[Json]:
        return (_parsed(layout.CONTENTS, line) for line in self._lines(layout.CONTENTS))

    def ids(self) -> Iterator[Json]:
        return (_parsed(layout.IDS, line) for line in self._lines(layout.IDS))

    def subjects(self) -> Iterator[Json]:
        """Sorted by the names of their folders."""
        return (self._read(f"subjects/{folder}/subject.json") for folder in sorted(self._versions))

    def subject(self, name: str) -> Json:
        found: Json = self._read(layout.subject_member(name))
        return found

    def versions(self, name: str) -> Iterator[Json]:
        """One at a time, by number."""
        for number in sorted(self._versions[layout.folder_of(name)]):
            yield self._read(layout.version_member(name, number))

    def migrations(self, name: str) -> Iterator[Json]:
        """One at a time, by number."""
        for number in sorted(self._migrations.get(layout.folder_of(name), ())):
            yield self._read(layout.migration_member(name, number))

    def taxonomies(self) -> Iterator[Json]:
        return (self._read(f"taxonomies/{folder}/taxonomy.json") for folder in sorted(self._editions))

    def editions(self, name: str) -> Iterator[Json]:
        for number in sorted(self._editions[layout.folder_of(name)]):
            yield self._read(layout.edition_member(name, number))

    def schema_text(self, digest: str) -> str | None:
        """None when the archive does not hold it."""
        name = layout.schema_member(digest)
        if name not in self._entries:
            return None
        try:
            return b"".join(self._lines(name)).decode()
        except UnicodeDecodeError as bad:
            raise InvalidArchive.because([f"'{name}' is not UTF-8."]) from bad

    def _lines(self, name: str) -> Iterator[bytes]:
        """Never more than the entry says, which the limits were held against."""
        entry = self._entries[name]
        try:
            with self._zip.open(entry) as member:
                yield from member
        except _DAMAGED as damaged:
            raise _Bad(f"'{name}' cannot be unpacked ({damaged}).") from damaged

    def _read(self, name: str) -> Any:
        if name not in self._entries:
            raise _Bad(f"'{name}' is missing.")
        value = _parsed(name, b"".join(self._lines(name)))
        kind = layout.kind_of(name)
        if kind is not None and not self._verified:
            _checked(name, kind, value)
        return value


def layout_name(name: str, kind: str | None, found: Any) -> str:
    """The name that a member should have by what it holds."""
    if kind == "subject":
        return layout.subject_member(found["name"])
    if kind == "taxonomy":
        return layout.taxonomy_member(found["name"])
    if kind in {"version", "edition", "migration"}:
        return f"{name.rpartition('/')[0]}/{found['number']}.json"
    return name


def _parsed(name: str, body: bytes) -> Any:
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as bad:
        raise _Bad(f"'{name}' is not JSON: {bad}.") from bad
    if b"\\u" in body and storable(value) != value:
        raise _Bad(f"'{name}' holds the character U+0000 or half of a surrogate pair.")
    return value


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON value")


def _checked(name: str, kind: str, value: Any) -> None:
    if broken := layout.validator_of(kind).errors(value):
        raise _Bad(f"'{name}' at {broken[0].pointer or '/'}: {broken[0].message}")
