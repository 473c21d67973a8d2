"""What becomes of an event that nothing could judge: by the subject, by the beginning of its type, or for the instance."""

from typing import Literal

from django.conf import settings

Policy = Literal["quarantine", "reject", "accept"]


def for_unknown_type(event_type: str) -> Policy:
    """The longest prefix in UNKNOWN_EVENT_TYPE_BY_PREFIX decides, else UNKNOWN_EVENT_TYPE: there is no subject to ask."""
    by_prefix: dict[str, Policy] = settings.UNKNOWN_EVENT_TYPE_BY_PREFIX
    fitting = [prefix for prefix in by_prefix if event_type.startswith(prefix)]
    policy: Policy = by_prefix[max(fitting, key=len)] if fitting else settings.UNKNOWN_EVENT_TYPE
    return policy


def for_unknown_version(own: Policy | Literal[""]) -> Policy:
    """`own` is what the subject says, or ""."""
    policy: Policy = own or settings.UNKNOWN_SCHEMA_VERSION
    return policy
