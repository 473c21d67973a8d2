"""Putting an object into a bucket that speaks S3, signed with AWS Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import httpx

_TIMEOUT = 30.0


class S3Store:
    """`https://host/bucket/prefix`, with the keys and the region in the environment variables that AWS's tools read.

    Without keys requests are not signed: for a bucket that lets this host write.
    """

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not parts.path.strip("/"):
            raise ValueError(f"a bucket's address is s3+https://host/bucket/prefix, not {url!r}.")
        self._url = url.rstrip("/")
        self._environment = environment

    def location(self, name: str) -> str:
        return f"{self._url}/{name}"

    def put(self, name: str, data: bytes) -> None:
        url = self.location(name)
        try:
            answer = httpx.put(url, content=data, headers=self._headers(url, data), timeout=_TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(f"{url} does not answer: {error}") from error
        if not answer.is_success:
            raise OSError(f"{url} answered {answer.status_code}.")

    def _headers(self, url: str, data: bytes) -> dict[str, str]:
        key_id = self._environment.get("AWS_ACCESS_KEY_ID")
        secret = self._environment.get("AWS_SECRET_ACCESS_KEY")
        if not key_id or not secret:
            return {}
        region = (
            self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        )
        token = self._environment.get("AWS_SESSION_TOKEN")
        return signed_put(url, data, Keys(key_id, secret, region, token), datetime.now(timezone.utc))


class Keys(NamedTuple):
    key_id: str
    secret: str
    region: str
    #: Only temporary keys have one.
    session_token: str | None = None


def signed_put(url: str, data: bytes, keys: Keys, now: datetime) -> dict[str, str]:
    """The headers of a PUT, as "Signature Calculations for the Authorization Header" in the S3 reference says."""
    parts = urlsplit(url)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    payload = hashlib.sha256(data).hexdigest()
    headers = {"x-amz-content-sha256": payload, "x-amz-date": moment}
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    lines = "".join(f"{name}:{value}\n" for name, value in {"host": parts.netloc, **headers}.items())
    names = ";".join(("host", *headers))
    request = f"PUT\n{quote(parts.path, safe='/-_.~%')}\n\n{lines}\n{names}\n{payload}"
    scope = f"{day}/{keys.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for part in (day, keys.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={keys.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}
