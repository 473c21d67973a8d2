"""Base URLs of contexts: `/api/v1/contexts/.berlin/subjects/orders` is `/api/v1/subjects/:.berlin:orders`."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse

from registry import contexts

_API = "/api/v1/"
PREFIX = f"{_API}contexts/"
# After these comes a subject; without one they are about the context itself.
_OF_SUBJECTS = ("compatibility/subjects/", "subjects/", "settings/", "config/", "mode/")
_OF_CONTEXTS = {"config", "mode"}
_LISTS = {"subjects", "schemas"}


def in_context(path: str, query: str) -> tuple[str, str]:
    """The address and parameters that an address below a context's base URL stands for."""
    named, slash, rest = path.removeprefix(PREFIX).partition("/")
    context = contexts.read_context(named)
    if not slash or context is None:
        return path, query
    if rest in _OF_CONTEXTS:
        # Clients take this for everything there is, of which something always holds.
        return f"{_API}{rest}/{contexts.qualifier(context)}".rstrip("/"), f"defaultToGlobal=true&{query}"
    if rest in _LISTS:
        return _API + rest, _changed(query, "subjectPrefix", context)
    if rest.startswith("schemas/ids/"):
        return _API + rest, _changed(query, "subject", context)
    for begins in _OF_SUBJECTS:
        if rest.startswith(begins):
            return f"{_API}{begins}{contexts.within(context, rest.removeprefix(begins))}", query
    return _API + rest, query


def _changed(query: str, name: str, context: str) -> str:
    given = parse_qsl(query, keep_blank_values=True)
    wanted = next((value for key, value in given if key == name), "")
    if not wanted.startswith((":.", contexts.ALL)):
        wanted = contexts.qualifier(context) + wanted
    return urlencode([*(pair for pair in given if pair[0] != name), (name, wanted)])


class ContextAddresses:
    """Middleware: the rest of the product sees qualified names only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PREFIX):
            path, query = in_context(request.path_info, request.META.get("QUERY_STRING", ""))
            request.path_info, request.META["QUERY_STRING"] = path, query
        return self.get_response(request)
