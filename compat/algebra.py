"""The one place that touches jsonschema-rs's canonical algebra (experimental upstream, hence fenced in).

Calls into it cannot be interrupted, so the work is estimated first: the number of cases the unions of a schema multiply to.
"""

from __future__ import annotations

import jsonschema_rs
from jsonschema_rs.canonical import CanonicalizationError, Containment

from compat import patterns
from compat.dialects import D2020
from compat.rewrite import Rewritten

#: 2^7 cases took 45 ms, 2^8 took 200 ms; beyond this the other provers are asked instead.
MAX_CASES = 96
#: Schema objects per side, references unfolded; the algebra is about linear in them while the cases stay few.
MAX_NODES = 2_000
#: Properties of one object; a refused closed object of 50 took 100 ms, of 100 took 400 ms.
MAX_WIDTH = 32


def covers(new: Rewritten, old: Rewritten) -> bool | None:
    """Whether new admits everything old admits: True is a proof, None means that the algebra cannot or may not say.

    False comes without a witness: it only says that looking for one is worth while.
    """
    if old.formats or new.formats or _too_large(old) or _too_large(new):
        return None
    try:
        answer = _canonical(new).covers(_canonical(old))
    except (CanonicalizationError, jsonschema_rs.ValidationError, ValueError, RecursionError):
        return None
    return None if answer == Containment.UNKNOWN else answer == Containment.YES


def _canonical(schema: Rewritten) -> jsonschema_rs.CanonicalSchema:
    options = patterns.engine(backtracking=schema.backtracking)
    return jsonschema_rs.canonicalize(
        schema.document(), draft=D2020.number, pattern_options=options, offline=True
    )


def _too_large(schema: Rewritten) -> bool:
    measure = schema.measure
    return measure.cases > MAX_CASES or measure.unfolded > MAX_NODES or measure.widest > MAX_WIDTH
