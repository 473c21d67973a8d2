"""What a subject itself asks of its uploads, beyond level and policy."""

from dataclasses import dataclass

from registry.models import Subject


@dataclass(frozen=True, slots=True)
class Demands:
    """Those of a subject that does not exist yet are none."""

    # What its rules refuse, and every new major, waits for a second person.
    approval: bool = False
    # Rules of evolution on top of the policy; "" is none.
    evolution: str = ""
    # `format` is an assertion, as for its events.
    formats: bool = False

    @classmethod
    def of(cls, subject: Subject | None) -> "Demands":
        if subject is None:
            return cls()
        return cls(subject.needs_approval, subject.evolution_rules, subject.assert_formats)
