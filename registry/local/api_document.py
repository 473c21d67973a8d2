"""Does the committed OpenAPI document say what the code says? Run as `python -m registry.local.api_document FILE`."""

import difflib
import os
import sys
import tempfile
from pathlib import Path

import django


def main(file: Path) -> int:
    """0 when the file is up to date and valid; else 1, with the difference."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    django.setup()
    from django.core.management import call_command

    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "openapi.yaml"
        call_command("spectacular", file=str(fresh), validate=True)
        now = fresh.read_text(encoding="utf-8")
    committed = file.read_text(encoding="utf-8") if file.exists() else ""
    difference = list(
        difflib.unified_diff(
            committed.splitlines(), now.splitlines(), str(file), "what the code says", lineterm="", n=1
        )
    )
    print("\n".join(difference[:60]))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
