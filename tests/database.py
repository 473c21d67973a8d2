"""The test database's address for processes of their own."""

import os
from urllib.parse import urlsplit

from django.db import connection


def url_of_test_database() -> str:
    """DATABASE_URL with the name that pytest-django chose; the server may listen on a socket, too."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
