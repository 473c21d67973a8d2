"""`format`, where it is asserted: which names assert anything, what they accept, and texts to try."""

from __future__ import annotations

from functools import lru_cache

import jsonschema_rs

from compat.dialects import D2020, Dialect, named

#: No format of any draft accepts all of these.
_ODD = ("", " ", "\x00", "::", "[", "{", "%", "a b", "1")
#: For each format a short text that it accepts, and others that tell it from its relatives.
_TEXTS: dict[str, tuple[str, ...]] = {
    "date": ("2000-01-01", "1999-12-31"),
    "time": ("00:00:00Z", "23:59:59.5+01:00"),
    "date-time": ("2000-01-01T00:00:00Z", "1999-12-31T23:59:59.5+01:00"),
    "duration": ("P1D", "PT1H"),
    "email": ("a@b.cd", "b@c.de"),
    "idn-email": ("a@b.cd", "ä@b.cd"),
    "hostname": ("a", "a.b", "xn--a"),
    "idn-hostname": ("a", "ä.b"),
    "ipv4": ("1.2.3.4", "9.9.9.9"),
    "ipv6": ("::", "::1"),
    "uri": ("a:b", "http://a/b", "urn:a:b"),
    "uri-reference": ("a", "/a", "#a", ""),
    "iri": ("a:b", "http://ä/b"),
    "iri-reference": ("ä", "a", ""),
    "uri-template": ("a", "{a}"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456-426614174000"),
    "json-pointer": ("", "/a"),
    "relative-json-pointer": ("0", "1/a"),
    "regex": ("a", "^a$"),
}


def is_asserted(name: str, dialect: Dialect) -> bool:
    """Whether a validator of this draft asserts the format at all; unknown ones accept everything."""
    return not all(_validator(name, dialect.name).is_valid(text) for text in _ODD)


def accepts(name: str, text: str) -> bool:
    return _validator(name, D2020.name).is_valid(text)


@lru_cache(maxsize=256)
def _validator(name: str, dialect: str) -> jsonschema_rs.Validator:
    return named(dialect).rust({"format": name}, validate_formats=True, offline=True)


def texts_for(*names: str) -> list[str]:
    """Texts worth trying where these formats are asked for or excluded: theirs, then those of all others."""
    chosen = [text for name in names for text in _TEXTS.get(name, ())]
    others = [text for texts in _TEXTS.values() for text in texts]
    return list(dict.fromkeys([*chosen, *_ODD, "a", "0", *others]))
