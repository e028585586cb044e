"""A plain client for machines without TensorFlow: it downloads, checks and counts.

Run by itself it answers as the job with TensorFlow does, a JSON object for each that it reads.
"""

import base64
import hashlib
import http.client
import io
import json
import sys
import tarfile
import time
import urllib.error
import urllib.request


def main() -> None:
    """Answer requests until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(load(json.loads(line)["load"])), flush=True)


def load(url: str) -> dict[str, object]:
    """Download a module as `tensorflow_hub` would, and say what came or why it did not."""
    request = urllib.request.Request(f"{url}?tf-hub-format=compressed")  # noqa: S310  # http(s)
    request.add_header("Accept-Encoding", "identity")
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # likewise
            body, told = answer.read(), answer.headers["Repr-Digest"]
    except urllib.error.HTTPError as error:
        return {"error": f"HTTPError: {error.code} {error.reason}", "ms": _since(started)}
    except (OSError, http.client.HTTPException) as error:
        return {"error": f"{type(error).__name__}: {error}", "ms": _since(started)}
    found = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if told != f"sha-256=:{found}:":
        return {"error": "the digest does not match", "ms": _since(started)}
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {"files": sum(member.isfile() for member in tar), "ms": _since(started)}


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


if __name__ == "__main__":
    main()
