"""How to fetch a version and validate with it, in the words of three tools."""

from dataclasses import dataclass
from urllib.parse import quote

from registry.models import Version


@dataclass(frozen=True, slots=True)
class Snippet:
    id: str
    title: str
    text: str


def snippets_for(version: Version, public_url: str) -> list[Snippet]:
    name = quote(version.subject.name, safe="")
    by_number = f"subjects/{name}/versions/{version.number}"
    # What listings leave out is fetched by its id.
    path = f"schemas/ids/{version.identity.number}" if version.is_hidden else by_number
    address = f"{public_url}/api/v1/{path}/schema"
    return [
        Snippet("snippet-curl", "curl", f"curl -H \"Authorization: Bearer $ONEX_TOKEN\" \\\n  '{address}'"),
        Snippet("snippet-python", "Python", _PYTHON.format(address=address)),
        Snippet("snippet-javascript", "JavaScript", _JAVASCRIPT.format(address=address)),
    ]


_PYTHON = """\
import os, httpx, jsonschema_rs

answer = httpx.get(
    "{address}",
    headers={{"Authorization": f"Bearer {{os.environ['ONEX_TOKEN']}}"}},
)
validator = jsonschema_rs.validator_for(answer.raise_for_status().json())
for error in validator.iter_errors(instance):
    print(error.instance_path, error.message)"""

_JAVASCRIPT = """\
import Ajv from "ajv";

const answer = await fetch("{address}", {{
  headers: {{ Authorization: `Bearer ${{process.env.ONEX_TOKEN}}` }},
}});
const validate = new Ajv({{ strict: false }}).compile(await answer.json());
if (!validate(instance)) console.log(validate.errors);"""
