"""Puts `compat` into its wheel under the name `onex_compat`: many a project has a module `compat` of its own."""

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_IMPORT = re.compile(r"^(\s*(?:from|import) )compat\b", re.MULTILINE)


class Renamed(BuildHookInterface):  # type: ignore[type-arg]
    """Copies the modules with their imports rewritten."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        here = Path(self.root)
        self._copies = tempfile.TemporaryDirectory()
        for source in here.rglob("*.py"):
            place = source.relative_to(here)
            if place.name == Path(__file__).name:
                continue
            copy = Path(self._copies.name) / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(
                _IMPORT.sub(r"\1onex_compat", source.read_text(encoding="utf-8")), encoding="utf-8"
            )
            build_data["force_include"][str(copy)] = f"onex_compat/{place}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        self._copies.cleanup()
