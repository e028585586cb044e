"""Whether a local copy of a module may be used once more: hubproxy is asked each time.

So a module that was revoked is refused on every host that has it, and each use is on record. A
job must not stop because a proxy restarts, or a token has expired: where hubproxy gives no verdict
on the module, the copy is used, with a warning. HUBPROXY_STRICT=1 refuses it then.
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
# Refusals that are of who asks, and when: no verdict on the module.
_NO_VERDICT = (401, 408, 429)
_NOT_OURS = "the answer is not hubproxy's: it has no Repr-Digest header"


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
        return _no_verdict(_NOT_OURS, copy)
    except urllib.error.HTTPError as answer:
        with answer:
            if _is_verdict(answer) and refusal.is_ours(answer):
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
        return digest.hex() if digest is not None else _no_verdict(_NOT_OURS, copy)
    except urllib.error.HTTPError as answer:
        with answer:
            kept = "The copy in {} is not used. It is left as it is.".format(copy)
            told = refusal.from_answer(answer, asked, kept)
            if _is_verdict(answer) and told.code:
                raise told from None
            return _no_verdict("it answered {}".format(answer.code), copy)
    except (OSError, http.client.HTTPException) as error:
        return _no_verdict("it broke off: {}".format(error), copy)


def is_strict() -> bool:
    """Whether only bytes that hubproxy answers for now may be used."""
    return os.environ.get("HUBPROXY_STRICT", "") not in ("", "0")


def _is_verdict(answer: urllib.error.HTTPError) -> bool:
    return 400 <= answer.code < 500 and answer.code not in _NO_VERDICT


def _no_verdict(why: str, copy: str) -> str:
    told = "hubproxy does not say whether {} may be used: {}".format(copy, why)
    if is_strict():
        raise HubproxyError(
            told, "Load it again when hubproxy answers, or unset HUBPROXY_STRICT to use the copy."
        )
    warnings.warn(told + ". It is used.", RuntimeWarning, stacklevel=3)
    return ""
