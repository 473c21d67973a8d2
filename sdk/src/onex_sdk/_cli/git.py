"""What git knows about the project at some commit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from onex_sdk._cli.collection import Collection
from onex_sdk._cli.exits import Impossible
from onex_sdk._cli.project import Project


def at_revision(project: Project, revision: str, also: Iterable[str] = ()) -> Collection:
    """The project's schemas as they were then; `also` are paths that count as schemas. Raises Impossible."""
    commit = _commit(project.root, revision)
    listed = _git(project.root, "ls-tree", "-r", "-z", "--name-only", commit).decode(errors="replace")
    wanted = set(also)
    paths = [path for path in listed.split("\0") if path and (project.is_schema(path) or path in wanted)]
    return project.collected(revision, _contents(project.root, commit, paths))


def _commit(root: Path, revision: str) -> str:
    _require_repository(root)
    found = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.returncode:
        shallow = _run(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        hint = (
            " The clone is shallow: fetch more of the history (in GitHub Actions: `fetch-depth: 0`)."
            if shallow
            else " Say a commit, a branch or a tag, a file or folder, or `server`."
        )
        raise Impossible(f"git knows no revision {revision!r} in {root}.{hint}")
    return found.stdout.decode().strip()


def _require_repository(root: Path) -> None:
    if _run(root, "rev-parse", "--git-dir").returncode:
        raise Impossible(
            f"{root} is not in a git repository, so there is no older version to compare with. Name a file or folder "
            "with --against, or compare with the registry: --against server."
        )


def _contents(root: Path, commit: str, paths: list[str]) -> list[tuple[str, str]]:
    """Path and text of each file, by one process for all."""
    # ls-tree told paths below the current folder; the colon with ./ reads them so.
    asked = "".join(f"{commit}:./{path}\n" for path in paths if "\n" not in path)
    answer = _git(root, "cat-file", "--batch", given=asked.encode())
    found, position = [], 0
    for path in (path for path in paths if "\n" not in path):
        end = answer.index(b"\n", position)
        size = int(answer[position:end].rpartition(b" ")[2])
        content = answer[end + 1 : end + 1 + size]
        position = end + 1 + size + 1
        found.append((path, content.decode("utf-8-sig", errors="replace")))
    return found


def _git(root: Path, *arguments: str, given: bytes | None = None) -> bytes:
    done = _run(root, *arguments, given=given)
    if done.returncode:
        raise Impossible(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _run(root: Path, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - a fixed program; revisions come behind --end-of-options
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the git of whoever calls
            input=given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise Impossible("git is not installed, or not on PATH.") from None
