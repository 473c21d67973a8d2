"""Rules and their tests as text that somebody sends: YAML, or JSON."""

from typing import Any

from access.errors import ProductError
from alerts.errors import InvalidRule
from registry.taxonomy_errors import UnreadableTaxonomy
from registry.taxonomy_requests import guessed_form
from registry.taxonomy_text import read_document


def read_text(raw: bytes) -> Any:
    """The document. Raises InvalidRule with line and column for what is neither, TaxonomyTooLarge for what is too much."""
    try:
        return read_document(raw, form=guessed_form(raw))
    except UnreadableTaxonomy as problem:
        raise InvalidRule(problem.message, pointer="") from problem


def place_of(problem: ProductError) -> str:
    """` (at /rules/0/name)`; nothing where it is about the whole."""
    at = problem.facts.get("pointer")
    return f" (at {at})" if at else ""
