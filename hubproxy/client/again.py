"""Whether a local copy of a module may be used once more: hubproxy is asked each time.

So a module that was revoked is refused on every host that has it, and each use is on record. A
job must not stop because a proxy restarts: where hubproxy gives no verdict, the copy is used, with
a warning. HUBPROXY_STRICT=1 refuses it then.
"""

import http.client
import os
import urllib.error
import warnings
from typing import Dict

from . import refusal, wire
from .refusal import HubproxyError

# It decides by what it knows, and fetches nothing: one that takes longer is as good as away.
_TIMEOUT = 10.0
# Refusals that are no verdict on the module.
_BUSY = (408, 429)


def approved_now(handle: str, base: str, copy: str) -> str:
    """What hubproxy has for a module that lies here already.

    Args:
        handle: as the user typed it.
        base: what HUBPROXY_URL says.
        copy: where it lies.

    Returns:
        The sha-256 of its archive, in hex; empty where hubproxy gave no verdict.

    Raises:
        HubproxyError: it is refused; the copy is left where it is. With HUBPROXY_STRICT also where
            there is no verdict.
    """
    asked, credentials = wire.url_of(handle, base), wire.credentials_of(base)
    try:
        with wire.open_url(asked, {}, credentials, _TIMEOUT, "HEAD") as answer:
            digest = wire.repr_digest(answer)
        if digest is not None:
            return digest.hex()
        return _no_verdict("the answer is not hubproxy's: it has no Repr-Digest header", copy)
    except urllib.error.HTTPError as answer:
        with answer:
            if 400 <= answer.code < 500 and answer.code not in _BUSY and refusal.is_ours(answer):
                return _refused(asked, credentials, copy)
            reason = answer.headers.get("X-Hubproxy-Reason", "") or answer.reason
            return _no_verdict("it answered {} {}".format(answer.code, reason), copy)
    except (OSError, http.client.HTTPException) as error:
        return _no_verdict(
            "{} cannot be reached: {}".format(
                wire.bare_url(base), getattr(error, "reason", None) or error
            ),
            copy,
        )


def _refused(asked: str, credentials: Dict[str, str], copy: str) -> str:
    """Ask once more for the reason, as the answer to a HEAD has no body.

    It may be given after all: first use brings in what nobody has asked for before.
    """
    try:
        with wire.open_url(asked, {"Range": "bytes=0-0"}, credentials, wire.TIMEOUT) as answer:
            digest = wire.repr_digest(answer)
        return digest.hex() if digest is not None else ""
    except urllib.error.HTTPError as answer:
        with answer:
            kept = "The copy in {} is not used. It is left as it is.".format(copy)
            told = refusal.from_answer(answer, asked, kept)
            if answer.code < 500 and told.code:
                raise told from None
            return _no_verdict("it answered {}".format(answer.code), copy)
    except (OSError, http.client.HTTPException) as error:
        return _no_verdict("it broke off: {}".format(error), copy)


def _no_verdict(why: str, copy: str) -> str:
    told = "hubproxy does not say whether {} may be used: {}".format(copy, why)
    if os.environ.get("HUBPROXY_STRICT", "") not in ("", "0"):
        raise HubproxyError(
            told, "Load it again when hubproxy answers, or unset HUBPROXY_STRICT to use the copy."
        )
    warnings.warn(told + ". It is used.", RuntimeWarning, stacklevel=3)
    return ""
