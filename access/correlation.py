"""Which chain of work the request at hand belongs to, as its sender named it; "" when nothing was said."""

from contextvars import ContextVar

current: ContextVar[str] = ContextVar("correlation", default="")
