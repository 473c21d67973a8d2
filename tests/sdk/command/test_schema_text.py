"""A schema as text: where each place stands, and the hash that does not change with the layout."""

import json

import pytest

from onex_sdk._cli.schema_text import BadSchemaText, SchemaText

TEXT = """{
  "properties": {
    "a/b": {"type": "string"},
    "list": {
      "prefixItems": [
        true,
        {"enum": ["}", "\\"", {"x": [1, -2.50e3]}]}
      ]
    }
  },
  "required": ["list"]
}
"""


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", (1, 1)),
        ("/properties", (2, 3)),
        ("/properties/a~1b", (3, 5)),
        ("/properties/a~1b/type", (3, 13)),
        ("/properties/list/prefixItems/0", (6, 9)),
        ("/properties/list/prefixItems/1/enum/2/x/1", (7, 40)),
        ("/required/0", (11, 16)),
        ("/required/7", (11, 3)),
        ("/properties/gone/type", (2, 3)),
        ("/nowhere", (1, 1)),
    ],
)
def test_the_line_and_column_of_a_pointer_or_of_what_is_above_it(pointer, place):
    assert SchemaText.read(TEXT).place(pointer) == place


def test_every_place_of_a_real_document_is_found():
    schema = SchemaText.read(TEXT)

    def pointers(value, place=""):
        yield place
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, item in items:
            yield from pointers(item, f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}")

    assert set(pointers(json.loads(TEXT))) == set(schema._offsets)


def test_the_hash_is_that_of_the_value():
    one = SchemaText.read('{"a": 1.0, "b": {"d": [9223372036854775808, true], "c": "\\u00e9"}}')
    other = SchemaText.read('{ "b" : {"c":"é","d":[ 9223372036854775808,true]},\n"a":1.0}')
    assert one.digest == other.digest
    assert one.digest != SchemaText.read('{"a": 1, "b": {"d": [9223372036854775808, true], "c": "é"}}').digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "an object or a boolean"),
        ('{"a": 1, "a": 2}', "'a' occurs twice"),
        ('{"a": NaN}', "NaN is not a JSON value"),
        ('{"a": 1e999}', "beyond what programs can read back"),
        ('{"a": ' + "9" * 5000 + "}", "5000 digits"),
        ('{"not": ' * 201 + "true" + "}" * 201, "nested more than 200 levels"),
        ("", "this is not JSON"),
    ],
)
def test_what_the_registry_would_not_take_is_not_taken(text, said):
    with pytest.raises(BadSchemaText, match=said):
        SchemaText.read(text)
