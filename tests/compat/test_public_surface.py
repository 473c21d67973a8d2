import subprocess
import sys

import compat


def test_exported_names() -> None:
    assert sorted(compat.__all__) == [
        "Bump",
        "Change",
        "CompatError",
        "HistoryVerdict",
        "Inspection",
        "MAX_DEPTH",
        "Note",
        "OpenWorldRisk",
        "Ruling",
        "SchemaError",
        "UnverifiedWitness",
        "Validator",
        "Verdict",
        "Violation",
        "Witness",
        "bump",
        "bundle",
        "check",
        "check_history",
        "compile_validator",
        "inspect_schema",
        "rule",
    ]


def test_importing_compat_imports_no_framework() -> None:
    program = "import compat, sys; print([m for m in sys.modules if m.split('.')[0] in {'django', 'celery', 'registry'}])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
