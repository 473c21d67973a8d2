"""`./run bench NAME [--json FILE]`: runs benchmarks/NAME.py, which measures through benchmarks/harness.py."""

import os
import subprocess
import sys
from pathlib import Path

from registry.local.errors import Refusal
from registry.local.home import CHECKOUT, home_named

BENCHMARKS = CHECKOUT / "benchmarks"
# Asked for by name although there is nothing to measure yet.
NOT_MEASURABLE = {"otlp": "otlp cannot be measured: this registry takes no OTLP yet."}


def bench(name: str, json_file: Path | None) -> int:
    """Exit status of the benchmark: 0 measured, 1 an answer was wrong."""
    if name in NOT_MEASURABLE:
        raise Refusal(NOT_MEASURABLE[name])
    if name not in names():
        raise Refusal(f"There is no benchmark {name!r}. There are: {', '.join(names())}.")
    argv = [sys.executable, "-m", f"benchmarks.{name}"]
    if json_file is not None:
        argv += ["--json", str(json_file.absolute())]
    # The SDK is measured from the checkout, as it is.
    environment = {
        **os.environ,
        "ONEX_HOME": str(home_named("-bench")),
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "sdk" / "src")]),
    }
    return subprocess.run(argv, cwd=CHECKOUT, env=environment, check=False).returncode


def names() -> list[str]:
    """The modules that define `measure`; the others help them."""
    return sorted(
        file.stem for file in BENCHMARKS.glob("*.py") if "\ndef measure(" in file.read_text(encoding="utf-8")
    )
