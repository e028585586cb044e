"""What a batch of modules is, that one process has brought and another takes into the store."""

from typing import Literal

import msgspec


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the audit log is to be told of one module that a batch does not bring."""

    handle: str
    code: str
    reason: str


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A batch that is whole.

    Args:
        event: what the audit log calls it.
        id: of the event on the whole of it.
        caller: who brought it.
        reason: in words, of the whole of it.
        records: digests, `sha256:<hex>`, of the records whose modules come in with it.
        told: what the audit log is told besides.
        released: handles with their format, `tfhub.dev/a/b/1/saved_model.json` as on the list, that
            may be evicted from now on.
    """

    v: Literal[1] = 1
    event: Literal["mirror", "import"]
    id: str
    caller: str
    reason: str
    records: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    released: tuple[str, ...] = ()
