"""After commit, ring for a worker; a bell nobody hears costs the seconds until the next sweep."""

from access.bell import ring
from registry.signals import import_wanted, study_wanted


def connect() -> None:
    study_wanted.connect(_ring_for_study, dispatch_uid="registry.study_wanted")
    import_wanted.connect(_ring_for_import, dispatch_uid="registry.import_wanted")


def _ring_for_study(**_: object) -> None:
    ring("registry.tasks.work_on_studies")


def _ring_for_import(**_: object) -> None:
    ring("registry.tasks.work_on_imports")
