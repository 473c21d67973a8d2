"""What the documents tell a reader to type does what they say it does."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from access.actor import SYSTEM
from registry.load_catalogue import load_onex_catalogue
from tests.conftest import Person

DOCS = Path(__file__).resolve().parent.parent / "docs"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine"),
]


@pytest.fixture
def typed(live_server: Any, owner: Person):
    """The answers of all `sh` blocks of a page, in order."""

    def run(page: str) -> list[Any]:
        environment = {**os.environ, "URL": f"{live_server.url}/api/v1", "TOKEN": owner.secret}
        return [json.loads(_answer(block, environment)) for block in _blocks(page)]

    return run


def _blocks(page: str) -> list[str]:
    return re.findall(
        r"^```sh\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def _answer(block: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-ec", block], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tutorial_publishes_refuses_explains_and_judges(typed):
    first, refused, better, fetched, sent = typed("tutorial/first-schema.md")
    assert first["semver"] == "1.0.0"
    assert refused["error_code"] == 40901
    assert not isinstance(refused["details"]["witness"]["instance"]["total"], int)
    assert refused["details"]["changes"]
    assert better["semver"] == "1.1.0"
    assert (fetched["version"], fetched["semver"]) == (2, "1.1.0")
    stored, violating = sent["results"]
    assert (stored["status"], violating["status"]) == ("stored", "stored_with_violations")
    assert violating["errors"][0]["pointer"] == "/metadata"


def test_an_error_code_is_looked_up_as_described(typed):
    load_onex_catalogue(actor=SYSTEM)
    (code,) = typed("how-to/look-up-an-error-code.md")
    assert (code["code"], code["ancestors"]) == ("ONEX_VALID_103", ["ONEX_VALID_102"])
