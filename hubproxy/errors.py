"""The errors a person may meet: each has a stable code, an HTTP status and a remedy."""

from typing import ClassVar


class HubproxyError(Exception):
    """Base of every error that hubproxy raises on purpose.

    `code` is stable: it stands in replies, audit lines and documentation. `status` is the
    HTTP status a client sees. `str(error)` says what happened; `remedy` what the reader can do.
    """

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class UsageError(HubproxyError):
    """What was asked for makes no sense as written."""

    code = "BAD_REQUEST"
    status = 400


class NotInstalledError(UsageError):
    """It takes a library that hubproxy was installed without: an extra."""


class CardError(UsageError):
    """A model card is not one, is of another module, or is not filled in."""

    code = "CARD"


class NotAModelError(HubproxyError):
    """What is to be looked into is not there, cannot be read, or is no model."""

    code = "NOT_A_MODEL"


class NotServedError(HubproxyError):
    """What was asked for exists at the hub, but hubproxy does not serve it in that form."""

    code = "NOT_SERVED"
    status = 501


class ConfigError(HubproxyError):
    """A setting is unknown, of the wrong type, or does not go with another."""

    code = "CONFIG"


class DataFolderError(HubproxyError):
    """The data folder cannot be used: owned by another process, or not writable."""

    code = "DATA_FOLDER"


class AuthorityError(HubproxyError):
    """The certificate authority cannot be used: damaged, expired, or its key open to others."""

    code = "CA_UNUSABLE"


class AuthorityMissingError(AuthorityError):
    """There is no certificate authority yet."""

    code = "CA_MISSING"


class HostNotPermittedError(AuthorityError):
    """The certificate authority may not vouch for a host."""

    code = "CA_NOT_PERMITTED"


class DeniedError(HubproxyError):
    """The trust list does not allow it (a `Verdict` of the core, on its way out)."""

    code = "DENIED"
    status = 403

    def __init__(self, code: str, status: int, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code  # type: ignore[misc]  # each verdict brings its own
        self.status = status  # type: ignore[misc]


class AuthenticationError(HubproxyError):
    """Who asks is not known: there is no token, or not one of a team's.

    `status` is 407 where a proxy is asked, 401 where it is the server itself. The message never
    holds what the client sent.
    """

    code = "AUTH_REQUIRED"
    status = 407

    def __init__(self, message: str, *, remedy: str = "", status: int = 407) -> None:
        super().__init__(
            message,
            remedy=remedy or "Ask a cluster admin for a token: `hubproxy team add NAME` makes one.",
        )
        self.status = status  # type: ignore[misc]  # the port decides which


class TrustListError(HubproxyError):
    """The trust list could not be read, is expired, went backwards or is wrongly signed."""

    code = "HP-T09"
    status = 503

    def __init__(self, code: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code  # type: ignore[misc]  # HP-T07, HP-T08, HP-T09 or HP-T15


class NotMirroredError(HubproxyError):
    """The module is not in the store and the network may not be used."""

    code = "NOT_MIRRORED"
    status = 504


class MismatchError(HubproxyError):
    """Upstream's bytes are not the ones that the record names. Nothing of them was released."""

    code = "HP-T03"
    status = 502


class UnsafeArchiveError(HubproxyError):
    """An archive has a member or a shape that is never accepted."""

    code = "HP-T05"
    status = 502


class UpstreamError(HubproxyError):
    """Upstream did not deliver.

    `transient` tells whether asking again may help; `retry_after` is upstream's own word
    for when, in seconds, or None.
    """

    code = "UPSTREAM_FAILED"
    status = 502

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        transient: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.transient = transient
        self.retry_after = retry_after


class UpstreamNotFoundError(UpstreamError):
    """Upstream says that it has no such module."""

    code = "UPSTREAM_NOT_FOUND"
    status = 404


class UpstreamForbiddenError(UpstreamError):
    """The guard forbids the address, the scheme or the host that a request would reach."""

    code = "UPSTREAM_FORBIDDEN"
    status = 502


class StorageFullError(HubproxyError):
    """There is no room for the module, also after eviction."""

    code = "STORAGE_FULL"
    status = 507


class TooManyAsksError(HubproxyError):
    """As many modules are asked for as are noted at a time."""

    code = "TOO_MANY_REQUESTS"
    status = 429


class BusyError(HubproxyError):
    """The proxy has as much to do as it can; asking again in a moment will help."""

    code = "BUSY"
    status = 503


class StorageFailedError(HubproxyError):
    """The disk reported an error; nothing was acknowledged."""

    code = "STORAGE_FAILED"
    status = 503


class AuditUnavailableError(HubproxyError):
    """The audit log cannot be written, so nothing may be served."""

    code = "AUDIT_UNAVAILABLE"
    status = 503
