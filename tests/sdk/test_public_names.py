"""What may be imported, and that none of it brings the server's framework along."""

import subprocess
import sys
from pathlib import Path

import onex_sdk
from onex_sdk import crypto

NAMES = {
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
}


def test_the_public_names_are_these():
    assert set(onex_sdk.__all__) == NAMES
    # A test of an integration, or of what has an extra of its own, may have imported those.
    public = {name for name in vars(onex_sdk) if not name.startswith("_")}
    assert public - {"integrations", "pytest_plugin", "crypto"} == NAMES


def test_the_public_names_of_keys_and_encryption_are_these():
    assert {name for name in vars(crypto) if not name.startswith("_")} == set(crypto.__all__)


def test_the_package_is_typed_and_imports_no_framework():
    folder = Path(onex_sdk.__file__).parent
    assert (folder / "py.typed").exists()
    check = "import onex_sdk, sys; print(*(m for m in ('django', 'celery', 'compat', 'registry', 'joserfc') if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(folder.parent)},
    )
    assert done.stdout.strip() == ""
