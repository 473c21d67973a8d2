"""Does every instance that a writer may send satisfy the reader's schema? Verdicts with evidence.

Pure: no I/O, no framework. `python -m compat old.json new.json` asks from the command line.
"""

from compat.bundle import bundle
from compat.errors import CompatError, SchemaError, UnverifiedWitness
from compat.history import HistoryVerdict, check_history
from compat.inspection import MAX_DEPTH, Inspection, Note, inspect_schema
from compat.judge import bump, check
from compat.policies import Ruling, rule
from compat.validation import Validator, Violation, compile_validator
from compat.verdict import Bump, Change, OpenWorldRisk, Verdict
from compat.witness import Witness

__all__ = [
    "MAX_DEPTH",
    "Bump",
    "Change",
    "CompatError",
    "HistoryVerdict",
    "Inspection",
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
