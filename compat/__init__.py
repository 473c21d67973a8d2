"""Does every instance that a writer may send satisfy the reader's schema? Verdicts with evidence.

Pure: no I/O, no framework. `python -m compat old.json new.json` asks from the command line.
"""

import logging

from compat.bundle import bundle
from compat.errors import CompatError, SchemaError, UnverifiedWitness
from compat.history import HistoryVerdict, check_history
from compat.inspection import MAX_DEPTH, Inspection, Note, inspect_schema
from compat.judge import bump, check
from compat.policies import Ruling, rule
from compat.validation import Validator, Violation, compile_validator
from compat.verdict import Bump, Change, OpenWorldRisk, Verdict
from compat.witness import Witness

# Defects are for whoever configures logging, not for the standard error of every caller.
logging.getLogger(__name__).addHandler(logging.NullHandler())

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
