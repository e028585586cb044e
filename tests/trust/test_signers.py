"""Who signed a role: by name, and only by good signatures."""

from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # no __all__

from hubproxy.core.handle import Handle
from hubproxy.core.trustlist import TrustSnapshot
from hubproxy.errors import TrustListError
from hubproxy.trust.client import TrustClient
from hubproxy.trust.signers import Signers, signatures
from tests.trust.published import SPICE, Published, make_record
from tests.trust.teams import Teams


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path)
    made.publish()
    return made


def read(published: Published) -> tuple[TrustClient, TrustSnapshot]:
    client = published.reader()
    snapshot = client.refresh()
    for name in snapshot.missing(Handle.parse(SPICE)):
        snapshot = client.load_role(snapshot, name)
    return client, snapshot


def test_the_officers_sign_the_top_role(published: Published) -> None:
    found = signatures(*read(published), "targets")
    assert (found.role, found.threshold) == ("targets", 1)
    assert (len(found.signed), found.missing) == (1, ())
    assert found.expires.startswith("2020-")


def test_a_team_signs_its_own_by_name_and_who_has_not_is_named(published: Published) -> None:
    teams, keys = Teams(published), [CryptoSigner.generate_ed25519() for _ in range(3)]
    teams.delegate("nlp", signers=keys, threshold=2)
    teams.publish("nlp", make_record(), signers=keys[:2])
    found = signatures(*read(published), "nlp")
    assert (found.role, found.threshold) == ("nlp", 2)
    assert found.signed == ("nlp-0", "nlp-1")
    assert found.missing == ("nlp-2",)


def test_a_signature_that_is_not_good_is_nobodys(published: Published) -> None:
    teams, keys = Teams(published), [CryptoSigner.generate_ed25519() for _ in range(2)]
    teams.delegate("nlp", signers=keys, threshold=1)
    role = teams.load("nlp")
    record = make_record()
    teams.list_as(role, f"{SPICE}/saved_model.json", record)
    stranger = CryptoSigner.generate_ed25519()
    # Under the second one's id, what a stranger has signed.
    stranger.public_key.keyid = keys[1].public_key.keyid
    teams.change("nlp", role, keys[0], stranger)
    found = signatures(*read(published), "nlp")
    assert (found.signed, found.missing) == (("nlp-0",), ("nlp-1",))


def test_a_list_that_has_changed_meanwhile_is_not_mixed_with_the_new_one(
    published: Published,
) -> None:
    client, before = read(published)
    published.publish(make_record())
    client.refresh()
    with pytest.raises(TrustListError, match="changed while"):
        signatures(client, before, "targets")


def test_what_was_told_is_told_again_until_it_changes(published: Published) -> None:
    teams, keys = Teams(published), [CryptoSigner.generate_ed25519() for _ in range(2)]
    teams.delegate("nlp", signers=keys)
    teams.publish("nlp", make_record(), signers=keys)
    client, snapshot = read(published)
    signers = Signers(client)
    told = [signers(snapshot, name) for name in ("nlp", "targets")]
    assert told == [signatures(client, snapshot, name) for name in ("nlp", "targets")]
    assert all(signers(snapshot, one.role) is one for one in told)

    teams.publish("nlp", make_record(), signers=keys[:1])
    snapshot = client.load_role(client.refresh(), "nlp")
    assert signers(snapshot, "nlp") == signatures(client, snapshot, "nlp")
    assert signers(snapshot, "nlp").signed == ("nlp-0",)
