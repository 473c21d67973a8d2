"""Subject names: nearly anything, through the whole wire API, and a sentence for what cannot be one."""

import json
from urllib.parse import quote

import pytest

from registry.errors import InvalidSubject
from registry.names import check_subject_name

BASE = "/api/v1"
GOOD = [
    "orders-value",
    "a/b/c",
    "/leading",
    "trailing/",
    "//",
    "with space",
    "50%25",
    "a%2Fb",
    "a:b",
    ":.context:name",
    "q?x=1&y=2#z",
    "größe",
    "订单",
    "🚲🛒",
    "versions",
    "a+b",
    "~!@$^&*()_={}[]|\\;'\"<>,",
    "x" * 255,
    "🚲" * 255,
    "1",
    "latest",
    "a/latest/1",
]
BAD = {
    "x" * 256: "256 characters",
    "a/versions": "/versions",
    "a/b/versions": "/versions",
    "a/versions/1": "/versions",
    "a/config": "/config",
    "a/b/mode": "/mode",
    "a/metadata/b": "/metadata",
    "a\tb": "control character",
    "a\x7f": "control character",
    "a\nb": "control character",
    " ": "blank",
    ":*:orders": "every context",
    "..": "'.' and '..'",
    "a/../b": "'.' and '..'",
}


@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_a_name_works_at_every_address(owner, name):
    api, path = owner.api, f"{BASE}/subjects/{quote(name, safe='')}"
    body = {"schema": json.dumps({"type": "object"})}
    published = api.post(f"{path}/versions", body)
    assert published.status_code == 200, published.json()
    assert api.get(f"{BASE}/subjects").json() == [name]
    assert api.post(path, body).json()["subject"] == name
    assert api.get(f"{path}/versions").json() == [1]
    assert api.get(f"{path}/versions/latest").json()["subject"] == name
    assert api.get(f"{path}/versions/1/schema").json() == {"type": "object"}
    assert api.get(f"{path}/versions/1/referencedby").json() == []
    assert api.post(f"{BASE}/compatibility/subjects/{quote(name, safe='')}/versions/1", body).json()[
        "is_compatible"
    ]
    for kind, value in (("config", {"compatibility": "FULL"}), ("mode", {"mode": "READWRITE"})):
        assert api.put(f"{BASE}/{kind}/{quote(name, safe='')}", value).json() == value
    assert api.delete(f"{path}/versions/1").json() == 1
    assert api.delete(f"{path}?permanent=true").json() == [1]


def test_a_name_that_ends_like_an_address_is_refused():
    with pytest.raises(InvalidSubject, match="cannot be told from the address"):
        check_subject_name("a/versions")


@pytest.mark.parametrize(("name", "said"), BAD.items(), ids=ascii)
def test_what_cannot_be_a_name_is_told_why(owner, name, said):
    answer = owner.api.post(f"{BASE}/subjects/{quote(name, safe='')}/versions", {"schema": "{}"})
    assert (answer.status_code, answer.json()["error_code"]) == (422, 42208)
    assert said in answer.json()["message"]
    assert owner.api.get(f"{BASE}/subjects?deleted=true").json() == []
