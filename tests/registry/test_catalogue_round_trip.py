"""A catalogue that was exported and brought in elsewhere is the same catalogue."""

import pytest

from registry.models import Version
from tests.registry.catalogues import empty_catalogue, exported, imported, manifest, publish_everything

pytestmark = pytest.mark.django_db


def test_exported_imported_and_exported_again_is_the_same_file():
    publish_everything()
    before = exported()
    empty_catalogue()
    assert not Version.objects.exists()
    report = imported(before)
    assert (report.refused, report.kept) == ([], [])
    assert exported() == before
