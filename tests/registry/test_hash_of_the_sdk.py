"""The hash in a producer's lock file is the registry's own, number for number and letter for letter."""

import hashlib
from pathlib import Path

import pytest

from access.errors import ProductError
from onex_sdk._cli.schema_text import BadSchemaText, SchemaText
from registry.canonical import canonical_bytes, read_schema_text
from tests.require import require

TEXTS = [
    "true",
    '{"const": [1.0, 1, -2.50e3, 9223372036854775808, -12345678901234567890, 1E5]}',
    '{"b": {"é": "\\u00e9\\u0000\\u001f\\ud83d\\ude00 \\/ \\" \\\\ \\b\\f\\n\\r\\t\\u007f\\u2028"}, "a": null, "A": [], "aa": {}}',
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_hash_here_and_there(text):
    assert SchemaText.read(text).digest == "sha256:" + hashlib.sha256(canonical_bytes(text)).hexdigest()
    assert SchemaText.read(text).value == read_schema_text(text).value


def test_the_same_hash_of_real_schemas():
    files = sorted(file for file in Path(require("data"), "iglu").rglob("*-*-*") if file.is_file())[:300]
    seen = 0
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        try:
            ours = read_schema_text(text).canonical
        except ProductError:
            with pytest.raises(BadSchemaText):
                SchemaText.read(text)
            continue
        seen += 1
        assert SchemaText.read(text).digest == "sha256:" + hashlib.sha256(ours).hexdigest(), file
    assert seen > 50
