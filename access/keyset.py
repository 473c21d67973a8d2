"""Pages of a list cut by position, not by offset: new rows at the top move nothing, and page 1,000 costs what page 1 does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from access.errors import InvalidCursor

Row = TypeVar("Row", bound=Model)
PAGE_SIZE = 50
_LONGEST_POSITION = 9
# What every list of the API takes.
PAGING = [
    OpenApiParameter("after", description="Continue behind this cursor: `next` of the page before."),
    OpenApiParameter("before", description="Go back: `previous` of the page."),
]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`previous` and `next` are the cursors for `before=` and `after=`, None where the list ends."""

    items: list[Row]
    previous: str | None
    next: str | None


def page_of(
    request: HttpRequest,
    rows: QuerySet[Row],
    *,
    size: int = PAGE_SIZE,
    key: str = "pk",
    descending: bool = True,
) -> Page[Row]:
    """The page that the address asks for with `?after=` or `?before=`, ordered by `key`, which has to be unique.

    Raises InvalidCursor for a cursor that no page of this list ever gave.
    """
    after = request.GET.get("after", "")
    before = "" if after else request.GET.get("before", "")
    falling = descending != bool(before)
    ordered = rows.order_by(f"-{key}" if falling else key)
    try:
        if cursor := after or before:
            ordered = ordered.filter(**{f"{key}__{'lt' if falling else 'gt'}": cursor})
        found = list(ordered[: size + 1])
    except (ValueError, ValidationError) as error:
        raise InvalidCursor("This page's address is damaged: start again from the first page.") from error
    more, items = len(found) > size, found[:size]
    if before:
        items.reverse()
    return Page(
        items,
        previous=str(getattr(items[0], key)) if items and (more if before else after) else None,
        next=str(getattr(items[-1], key)) if items and (before or more) else None,
    )


def ranked_page(
    request: HttpRequest, rows: QuerySet[Row], ranks: Mapping[str, int], *, key: str
) -> Page[Row]:
    """A page of rows by a number that is counted anew for each page, the highest first and those without last.

    Cursors are positions. Raises InvalidCursor.
    """
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    given = after or before or "0"
    if not given.isdecimal() or len(given) > _LONGEST_POSITION:
        raise InvalidCursor("This page's address is damaged: start again from the first page.")
    start = max(0, int(given) - (PAGE_SIZE if before and not after else 0))
    names = sorted(rows.values_list(key, flat=True), key=lambda name: (-ranks.get(name, 0), name))
    wanted = names[start : start + PAGE_SIZE]
    found = {getattr(row, key): row for row in rows.filter(**{f"{key}__in": wanted})}
    return Page(
        [found[name] for name in wanted if name in found],
        previous=str(start) if start else None,
        next=str(start + PAGE_SIZE) if len(names) > start + PAGE_SIZE else None,
    )


def page_schema(name: str, item: type[serializers.BaseSerializer[Any]]) -> Any:
    """What `page_answer` answers, for the API document."""
    return inline_serializer(
        name,
        {
            "items": item(many=True),
            "previous": serializers.CharField(allow_null=True),
            "next": serializers.CharField(allow_null=True),
        },
    )


def page_answer(page: Page[Any], items: Iterable[object]) -> Response:
    """`items` are those of the page, as they are shown."""
    return Response({"items": items, "previous": page.previous, "next": page.next})
