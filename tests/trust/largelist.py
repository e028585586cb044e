"""A large list as officers keep it: many teams, each of which lists its part."""

import hashlib
from collections.abc import Sequence

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]  # no __all__

from hubproxy.trust.build import build
from hubproxy.trust.changes import Delegate, named_keys
from hubproxy.trust.officer import Repository
from hubproxy.trust.signing import sign_built


def fill(
    repository: Repository,
    *,
    officers: Sequence[CryptoSigner],
    member: CryptoSigner,
    online: Sequence[CryptoSigner],
    teams: int,
    each: int,
) -> None:
    """Let `team0`, `team1`, ... list so many modules each. The records themselves are not needed.

    Args:
        member: signs for every team.
    """
    keys = named_keys({"lea": member.public_key})
    changes = [
        Delegate(team=f"team{number}", patterns=(f"tfhub.dev/team{number}/*/*/*",), keys=keys)
        for number in range(teams)
    ]
    contents = repository.contents()
    built = build(repository.in_force(), changes, contents, repository.clock())
    for number in range(teams):
        targets = built.teams[f"team{number}"].signed.targets
        for module in range(each):
            path = f"tfhub.dev/team{number}/module{module}/1/saved_model.json"
            digest = hashlib.sha256(path.encode()).hexdigest()
            targets[path] = TargetFile(40_000, {"sha256": digest}, path)
    for signer in (*officers, member):
        sign_built(built, signer)
    repository.publish_draft(built, contents, changes, online, "D2")
