"""What the launcher says when it cannot go on."""

import errno


class Refusal(Exception):
    """One clear sentence for the person at the keyboard, with the way out. Printed without a traceback."""


NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def about_full_disk(place: object) -> Refusal:
    return Refusal(
        f"The disk that holds {place} is full. Free some space and start again; nothing is half done."
    )
