"""Who signed a role of the trust list, as people ask it."""

import msgspec


class Signatures(msgspec.Struct, frozen=True, kw_only=True):
    """The signatures of one role.

    Args:
        role: its name: `targets` is the officers' own.
        version: of its file.
        expires: UTC, RFC 3339.
        threshold: how many must sign it.
        signed: whose signatures are good, by name; a key without one by its id.
        missing: who may sign it as well, and has not.
    """

    role: str
    version: int
    expires: str
    threshold: int
    signed: tuple[str, ...]
    missing: tuple[str, ...] = ()
