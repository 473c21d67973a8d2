"""Runs in the peers' own environment: pairs as JSON lines in, answers of jsonsubschema out."""

import json
import signal
import sys
import time

from jsonsubschema import isSubschema

LIMIT_SECONDS = 5


def late(*_: object) -> None:
    raise TimeoutError


signal.signal(signal.SIGALRM, late)
for line in sys.stdin:
    pair = json.loads(line)
    began = time.perf_counter()
    signal.alarm(LIMIT_SECONDS)
    try:
        answer = "yes" if isSubschema(pair["old"], pair["new"]) else "no"
    except (Exception, SystemExit):  # noqa: BLE001 -- whatever it cannot read is one kind of answer here
        answer = "error"
    finally:
        signal.alarm(0)
    print(json.dumps({"answer": answer, "ms": (time.perf_counter() - began) * 1000}), flush=True)
