"""Asking a daemon's trust officers for a module, and seeing how that stands."""

import base64
import http.client
import urllib.error
import urllib.request
from urllib.parse import quote

import msgspec

from hubproxy.core.handle import Handle
from hubproxy.core.wanted import Standing
from hubproxy.errors import HubproxyError
from hubproxy.pointing.ask import NoDaemonError
from hubproxy.pointing.place import Credentials, Place
from hubproxy.protocols.destination import ASKS, REASON

_TIMEOUT = 30.0
_LARGEST = 1 << 20


class _Problem(msgspec.Struct):
    """What a daemon says of a refusal (RFC 9457)."""

    code: str
    detail: str
    remedy: str = ""


class AnsweredError(HubproxyError):
    """The daemon did not take the request; code, words and remedy are its own."""

    def __init__(self, problem: _Problem) -> None:
        super().__init__(problem.detail, remedy=problem.remedy)
        self.code = problem.code  # type: ignore[misc]  # the daemon's


def standing(place: Place, credentials: Credentials | None, handle: Handle) -> Standing:
    """How a request for a module stands.

    Raises:
        HubproxyError: no daemon answers, or it does not say.
    """
    return _ask(place, credentials, handle, "GET", {})


def request(place: Place, credentials: Credentials | None, handle: Handle, why: str) -> Standing:
    """Ask for a module; when this returns, it is on the daemon's disk.

    Args:
        why: for the officers.

    Raises:
        HubproxyError: no daemon answers, or it does not take it.
    """
    return _ask(place, credentials, handle, "POST", {REASON: quote(why)})


def _ask(
    place: Place,
    credentials: Credentials | None,
    handle: Handle,
    method: str,
    headers: dict[str, str],
) -> Standing:
    if credentials is not None:
        pair = f"{credentials.team}:{credentials.token}".encode()
        headers = {**headers, "Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    url = f"{place.url}{ASKS}{handle}"
    asked = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=_TIMEOUT) as answer:
            return msgspec.json.decode(answer.read(_LARGEST), type=Standing)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(place, error) from error
    except msgspec.MsgspecError as error:
        raise _strange(place, str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise NoDaemonError(
            f"no hubproxy answers at {place.url}: {getattr(error, 'reason', None) or error}",
            remedy="Start it with `hubproxy serve`, or name another with --url http://HOST:8440.",
        ) from error


def _refusal(place: Place, error: urllib.error.HTTPError) -> HubproxyError:
    try:
        return AnsweredError(msgspec.json.decode(error.read(_LARGEST), type=_Problem))
    except (msgspec.MsgspecError, OSError, http.client.HTTPException):
        return _strange(place, str(error.code))


def _strange(place: Place, what: str) -> NoDaemonError:
    return NoDaemonError(
        f"{place.url} answers, but not as a hubproxy of this version does: {what[:200]}",
        remedy="Name the daemon's own port, the one of `server.listen`, with "
        "--url http://HOST:8440.",
    )
