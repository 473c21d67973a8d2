"""The client of an Onex Registry: schemas for validation before sending, and sending.

with RegistryClient("http://127.0.0.1:8090", token) as registry:
    problems = registry.validate("NODE_START", {"input_state": {}})
    registry.send([{"event_id": …, "event_type": "NODE_START", …}])
"""

from onex_sdk._client import RegistryClient
from onex_sdk._correlation import Correlation, current, extract, headers, inject
from onex_sdk._current import client, emit, init, operation, profile
from onex_sdk._errors import (
    BadAnswer,
    Denied,
    NotFound,
    Refused,
    RegistryError,
    SchemaUnusable,
    TooLarge,
    Unavailable,
    Unreachable,
    UnsendableEvent,
    UnusableBundle,
)
from onex_sdk._events import EventProblem, EventResult, SendResult
from onex_sdk._models import emit_model, event
from onex_sdk._operations import Operation
from onex_sdk._options import InvalidOption, Options
from onex_sdk._producer import Client
from onex_sdk._profiling import ContinuousProfiler, Profile
from onex_sdk._sampling import SamplingRule, SamplingRules
from onex_sdk._schemas import Reference, Schema, SchemaVersion
from onex_sdk._validation import Violation

__all__ = [
    "BadAnswer",
    "Client",
    "ContinuousProfiler",
    "Correlation",
    "Denied",
    "EventProblem",
    "EventResult",
    "InvalidOption",
    "NotFound",
    "Operation",
    "Options",
    "Profile",
    "Reference",
    "Refused",
    "RegistryClient",
    "RegistryError",
    "SamplingRule",
    "SamplingRules",
    "Schema",
    "SchemaUnusable",
    "SchemaVersion",
    "SendResult",
    "TooLarge",
    "Unavailable",
    "Unreachable",
    "UnsendableEvent",
    "UnusableBundle",
    "Violation",
    "client",
    "current",
    "emit",
    "emit_model",
    "event",
    "extract",
    "headers",
    "init",
    "inject",
    "operation",
    "profile",
]
