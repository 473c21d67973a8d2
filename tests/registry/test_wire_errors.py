"""The error column of the wire API's table: each code provoked at each row that has it, with its message."""

import pytest

from tests.registry.wire import A_REQUIRED, BASE, ONE_FIELD, TWO_FIELDS, assert_error, register, text

NOT_A_MODE = "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD."
NOT_A_LEVEL = (
    "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
    "forward_transitive, and full_transitive"
)
NO_LEVEL = "Subject 'new' does not have subject-level compatibility configured"
NO_MODE = "Subject 'new' does not have subject-level mode configured"
NO_SUBJECT = "Subject 'new' not found."
SOFT_DELETED = "Subject 'gone' was soft deleted.Set permanent=true to delete permanently"
NOT_SOFT_DELETED = "Subject 's' was not deleted first before being permanently deleted"
VERSION_SOFT_DELETED = "Subject 'half' Version 1 was soft deleted.Set permanent=true to delete permanently"
VERSION_NOT_SOFT_DELETED = "Subject 's' Version 1 was not deleted first before being permanently deleted"
READ_ONLY = "Subject frozen is in read-only mode"
NOT_IN_IMPORT = "Subject s in context . is not in import mode"
REFERRED = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=base,version=1}. Used by: user v1."
# None: the sentence names the number or the name that was given, and is asserted elsewhere.
BAD_VERSION = None
GUID = "12345678-1234-5678-1234-567812345678"
ONE = text(ONE_FIELD)
BAD = {"schema": '{"type": 3}', "schemaType": "JSON"}
RULES = {"domainRules": [{"name": "1st"}]}

# Row of the table, method, address, body, code, message.
TABLE = [
    (4, "get", "schemas/ids/777777", None, 40403, "Schema 777777 not found"),
    (5, "get", "schemas/ids/777777/schema", None, 40403, "Schema 777777 not found"),
    (6, "get", "schemas/ids/777777/subjects", None, 40403, "Schema 777777 not found"),
    (7, "get", "schemas/ids/777777/versions", None, 40403, "Schema 777777 not found"),
    (8, "get", f"schemas/guids/{GUID}", None, 40403, f"Schema {GUID} not found"),
    (8, "get", "schemas/guids/none", None, 40403, "Schema none not found"),
    (9, "get", f"schemas/guids/{GUID}/ids", None, 40403, f"Schema {GUID} not found"),
    (11, "post", "subjects/new", ONE, 40401, NO_SUBJECT),
    (11, "post", "subjects/s", text(A_REQUIRED), 40403, "Schema not found"),
    (11, "post", "subjects/s", BAD, 42201, BAD_VERSION),
    (12, "delete", "subjects/new", None, 40401, NO_SUBJECT),
    (12, "delete", "subjects/gone", None, 40404, SOFT_DELETED),
    (12, "delete", "subjects/s?permanent=true", None, 40405, NOT_SOFT_DELETED),
    (12, "delete", "subjects/base", None, 42206, REFERRED),
    (12, "delete", "subjects/frozen", None, 42205, READ_ONLY),
    (13, "get", "subjects/new/metadata?key=a&value=b", None, 40401, NO_SUBJECT),
    (13, "get", "subjects/s/metadata?key=a&value=b", None, 40402, "Version a=b not found."),
    (14, "get", "subjects/new/versions", None, 40401, NO_SUBJECT),
    (15, "post", "subjects/s/versions", BAD, 42201, BAD_VERSION),
    (15, "post", "subjects/s/versions", ONE | {"id": 777777}, 42205, NOT_IN_IMPORT),
    (15, "post", "subjects/frozen/versions", text(TWO_FIELDS), 42205, READ_ONLY),
    (15, "post", "subjects/import/versions", text(TWO_FIELDS), 42205, None),
    (15, "post", "subjects/import/versions", text(TWO_FIELDS, id="ID OF S"), 42207, None),
    (15, "post", "subjects/%20/versions", ONE, 42208, "The specified subject ' ' is not a valid subject: it is blank."),
    (15, "post", "subjects/s/versions", text({"title": "x" * 5_000_000}), 42209, None),
    (15, "post", "subjects/s/versions", ONE | {"ruleSet": RULES}, 42210, None),
    (15, "post", "subjects/s/versions", text(TWO_FIELDS, version=9), 42201, "Version is not one more than previous version"),
    (16, "get", "subjects/new/versions/1", None, 40401, NO_SUBJECT),
    (16, "get", "subjects/s/versions/9", None, 40402, "Version 9 not found."),
    (16, "get", "subjects/s/versions/0", None, 42202, BAD_VERSION),
    (17, "get", "subjects/new/versions/1/schema", None, 40401, NO_SUBJECT),
    (17, "get", "subjects/s/versions/9/schema", None, 40402, "Version 9 not found."),
    (17, "get", "subjects/s/versions/-2/schema", None, 42202, BAD_VERSION),
    (18, "get", "subjects/new/versions/1/referencedby", None, 40401, NO_SUBJECT),
    (18, "get", "subjects/s/versions/9/referencedby", None, 40402, "Version 9 not found."),
    (18, "get", "subjects/s/versions/2147483648/referencedby", None, 42202, BAD_VERSION),
    (19, "delete", "subjects/new/versions/1", None, 40401, NO_SUBJECT),
    (19, "delete", "subjects/s/versions/9", None, 40402, "Version 9 not found."),
    (19, "delete", "subjects/half/versions/1", None, 40406, VERSION_SOFT_DELETED),
    (19, "delete", "subjects/s/versions/1?permanent=true", None, 40407, VERSION_NOT_SOFT_DELETED),
    (19, "delete", "subjects/s/versions/abc", None, 42202, BAD_VERSION),
    (19, "delete", "subjects/base/versions/1", None, 42206, REFERRED),
    (19, "delete", "subjects/frozen/versions/1", None, 42205, READ_ONLY),
    (20, "post", "subjects/new/versions/1/tags", {}, 40401, NO_SUBJECT),
    (20, "post", "subjects/s/versions/9/tags", {}, 40402, "Version 9 not found."),
    (20, "post", "subjects/s/versions/0/tags", {}, 42202, BAD_VERSION),
    (20, "post", "subjects/frozen/versions/1/tags", {"metadata": {"sensitive": ["a"]}}, 42205, READ_ONLY),
    (21, "post", "compatibility/subjects/s/versions/9", ONE, 40402, "Version 9 not found."),
    (21, "post", "compatibility/subjects/new/versions/1", ONE, 40402, "Version 1 not found."),
    (21, "post", "compatibility/subjects/s/versions/latest", BAD, 42201, BAD_VERSION),
    (21, "post", "compatibility/subjects/s/versions/0", ONE, 42202, BAD_VERSION),
    (22, "post", "compatibility/subjects/s/versions", BAD, 42201, BAD_VERSION),
    (23, "get", "config/new", None, 40408, NO_LEVEL),
    (24, "put", "config", {"compatibility": "SIDEWAYS"}, 42203, NOT_A_LEVEL),
    (24, "put", "config/new", {"compatibility": 3}, 42203, NOT_A_LEVEL),
    (24, "put", "config/frozen", {"compatibility": "FULL"}, 42205, READ_ONLY),
    (25, "delete", "config/new", None, 40408, NO_LEVEL),
    (26, "get", "mode/new", None, 40409, NO_MODE),
    (27, "put", "mode", {"mode": "SIDEWAYS"}, 42204, NOT_A_MODE),
    (27, "put", "mode/new", {}, 42204, NOT_A_MODE),
    (27, "put", "mode", {"mode": "IMPORT"}, 42205, "Cannot import since found existing subjects"),
    (27, "put", "mode/s", {"mode": "IMPORT"}, 42205, "Cannot import since found existing subjects"),
    (27, "put", "mode/s", {"mode": "FORWARD"}, 42204, "Forward mode only supported on global level"),
    (28, "delete", "mode/new", None, 40409, NO_MODE),
    (30, "delete", "contexts/.none", None, 40400, "Context '.none' not found."),
    (30, "delete", "contexts/.full", None, 42211, None),
]  # fmt: skip


@pytest.fixture
def api(owner):
    """A registry in which every one of the errors has its reason."""
    api = owner.api
    for subject in ("s", "gone", "half", "frozen", ":.full:one"):
        register(api, subject, ONE_FIELD)
    register(api, "half", TWO_FIELDS)
    register(api, "base", {"type": "string"})
    register(api, "user", {"$ref": "b"}, references=[{"name": "b", "subject": "base", "version": 1}])
    assert api.delete(f"{BASE}/subjects/gone").status_code == 200
    assert api.delete(f"{BASE}/subjects/half/versions/1").status_code == 200
    assert api.put(f"{BASE}/mode/frozen", {"mode": "READONLY"}).status_code == 200
    assert api.put(f"{BASE}/mode/import", {"mode": "IMPORT"}).status_code == 200
    return api


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case[0]} {case[1]} {case[2]} {case[4]}")
def test_an_error_of_the_table(api, case):
    _, method, address, body, code, message = case
    if body and body.get("id") == "ID OF S":
        body = body | {"id": api.get(f"{BASE}/subjects/s/versions/1").json()["id"]}
    answer = getattr(api, method)(f"{BASE}/{address}", body)
    assert_error(answer, code, message)
    assert answer.json()["message"]
    assert answer["Content-Type"] == "application/vnd.schemaregistry.v1+json"


def test_incompatible_is_40901_with_the_configuration_as_last_reason(api):
    answer = api.post(f"{BASE}/subjects/s/versions", text(A_REQUIRED))
    assert_error(answer, 40901)
    said = answer.json()["message"]
    assert said.startswith(
        'Schema being registered is incompatible with an earlier schema for subject "s", details: ['
    )
    assert "{validateFields: 'false', compatibility: 'BACKWARD'" in said


def test_permanently_deleting_twice_is_40401(api):
    assert api.delete(f"{BASE}/subjects/gone?permanent=true").json() == [1]
    answer = api.delete(f"{BASE}/subjects/gone?permanent=true")
    assert_error(answer, 40401, "Subject 'gone' not found.")
