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


def _blocks(page: str, language: str = "sh") -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


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
    code, many = typed("how-to/look-up-an-error-code.md")
    assert (code["code"], code["ancestors"]) == ("ONEX_VALID_103", ["ONEX_VALID_102"])
    understood, foreign = many["results"]
    assert (understood["code"], understood["how"]) == ("ONEX_VALID_102", "area_alias")
    assert (foreign["code"], foreign["candidates"][0]["code"]) == (None, "ONEX_STAMP_006")


def test_a_taxonomy_is_checked_published_and_fetched_as_source_code_as_described(
    live_server, owner, tmp_path
):
    page = "how-to/publish-a-taxonomy.md"
    (document, *_) = _blocks(page, "yaml")
    (tmp_path / "shop-errors.yaml").write_text(document, encoding="utf-8")
    environment = {**os.environ, "URL": f"{live_server.url}/api/v1", "TOKEN": owner.secret}
    check, fetch = (f"cd {tmp_path}; {block}" for block in _blocks(page))
    told = json.loads(_answer(check, environment))
    assert (told["version"], told["bump"]) == ("1.0.0", "first")
    assert json.loads(_answer(check.replace("?dryRun=true", ""), environment)) == told
    _answer(fetch, environment)
    assert 'PAY_CARD_DECLINED = (\n        "SHOP_PAY_001"' in (tmp_path / "shop_errors_codes.py").read_text()
