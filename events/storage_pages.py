"""The page of what the log takes on disk."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat

from access.caller import caller
from events.storage import Storage, storage_used
from events.storage_drawing import draw_projection

_TOLD = (0, 7, 30, 60, 90)
_SUBJECTS = 50


def storage(request: HttpRequest) -> HttpResponse:
    used = storage_used(actor=caller(request))
    context = {
        "used": used,
        "days": [day for day in reversed(used.days) if day.events or day.day is None],
        "subjects": used.subjects[:_SUBJECTS],
        "more_subjects": len(used.subjects) - _SUBJECTS,
        "told": [(ahead, used.projection[ahead]) for ahead in _TOLD],
        "ratio_text": f"{used.ratio:.1f} times smaller" if used.ratio else "nothing yet",
        "a_day_text": f"{used.events_a_day:,} events",
        "sentence": _sentence(used),
        "drawing": draw_projection(used.projection),
        "next_drop": next((day for day in used.days if day.day and day.events), None),
        "shorter": [
            one
            for one in used.subjects
            if (one.retention_days or used.retention_days) < used.longest_retention_days
        ],
    }
    return render(request, "events/storage.html", context)


def _sentence(used: Storage) -> str:
    first, last = used.projection[0], used.projection[-1]
    return (
        f"From {filesizeformat(first.bytes)} on {first.day} to {filesizeformat(last.bytes)} on {last.day}, "
        f"{filesizeformat(last.cold)} of it compressed"
    )
