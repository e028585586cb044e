"""The beginning of a list with several officers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from securesystemslib.signer import Key, Signer  # type: ignore[attr-defined]  # no __all__

from hubproxy.trust.changes import Begin, PublicKey, named_keys
from hubproxy.trust.draft import Draft
from hubproxy.trust.lifetimes import Lifetimes
from hubproxy.trust.officer import Repository

_DEFAULT = Lifetimes()


def begin(
    drafts: Path,
    repository: Repository,
    *,
    officers: Mapping[str, Key],
    threshold: int,
    signers: Sequence[Signer],
    snapshot: Signer,
    timestamp: Signer,
    days: Lifetimes = _DEFAULT,
) -> Draft | None:
    """Begin a list with several officers.

    Args:
        officers: their names, and their public keys.
        threshold: how many of them must sign root and targets.
        signers: those of their keys that are at hand.
        snapshot, timestamp: the online keys; they may be one.

    Returns:
        None when the keys at hand sufficed, and the list is begun. Else the draft that the other
        officers sign, and which is then published with both online keys.

    Raises:
        UsageError: there is a list already, a name or a key that will not do, or a threshold above
            the number of officers.
    """
    change = Begin(
        officers=named_keys(officers),
        threshold=threshold,
        snapshot=PublicKey.of(snapshot.public_key),
        timestamp=PublicKey.of(timestamp.public_key),
        days=msgspec.to_builtins(days),
    )
    draft = Draft.create(drafts, repository, [change])
    for signer in signers:
        draft.sign(signer)
    if not all(one.met for one in draft.missing()):
        return draft
    draft.publish(repository, [snapshot, timestamp])
    return None
