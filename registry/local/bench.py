"""`./run bench NAME [--json FILE]`: runs benchmarks/NAME.py, which measures through benchmarks/harness.py."""

import os
import subprocess
import sys
from pathlib import Path

from registry.local.errors import Refusal
from registry.local.home import CHECKOUT, home_named

BENCHMARKS = CHECKOUT / "benchmarks"


def bench(name: str, json_file: Path | None) -> int:
    """Exit status of the benchmark: 0 measured, 1 an answer was wrong."""
    if name not in names():
        raise Refusal(f"There is no benchmark {name!r}. There are: {', '.join(names())}.")
    argv = [sys.executable, "-m", f"benchmarks.{name}"]
    if json_file is not None:
        argv += ["--json", str(json_file.absolute())]
    environment = {**os.environ, "ONEX_HOME": str(home_named("-bench"))}
    return subprocess.run(argv, cwd=CHECKOUT, env=environment, check=False).returncode


def names() -> list[str]:
    """The modules that define `measure`; the others help them."""
    return sorted(
        file.stem for file in BENCHMARKS.glob("*.py") if "\ndef measure(" in file.read_text(encoding="utf-8")
    )
