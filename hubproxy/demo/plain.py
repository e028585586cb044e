"""A plain client for machines without TensorFlow: it downloads, checks and counts."""

import base64
import hashlib
import io
import tarfile
import time
import urllib.error
import urllib.request


def load(proxy: str, handle: str) -> dict[str, object]:
    """Download a module as `tensorflow_hub` would, and say what came or why it did not."""
    request = urllib.request.Request(  # noqa: S310  # the demo's own daemon
        f"{proxy}/{handle}?tf-hub-format=compressed"
    )
    request.add_header("Accept-Encoding", "identity")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    started = time.monotonic()
    try:
        with opener.open(request, timeout=60) as answer:
            body, told = answer.read(), answer.headers["Repr-Digest"]
    except urllib.error.HTTPError as error:
        return {"error": f"HTTPError: {error.code} {error.reason}", "ms": _since(started)}
    found = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if told != f"sha-256=:{found}:":
        return {"error": "the digest does not match", "ms": _since(started)}
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {"files": sum(member.isfile() for member in tar), "ms": _since(started)}


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
