"""Who may sign a team's role, and how many must."""

from collections.abc import Callable
from copy import deepcopy

import pytest
from securesystemslib.signer import CryptoSigner, Key  # type: ignore[attr-defined]  # no __all__

from hubproxy.trust.client import TrustClient
from tests.trust.published import SPICE, Published, make_record
from tests.trust.teams import OTHER, RECORD, Teams, found_in, read_all, refused


def another_teams_key(teams: Teams) -> list[CryptoSigner]:
    return teams.keys["vision"]


def an_officers_key(teams: Teams) -> list[CryptoSigner]:
    return [teams.published.officer]


def a_strangers_key(teams: Teams) -> list[CryptoSigner]:
    return [CryptoSigner.generate_ed25519()]


def nobodys_key(teams: Teams) -> list[CryptoSigner]:
    return []


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(a_strangers_key, id="row 3: strange key"),
        pytest.param(another_teams_key, id="row 3: another team's key"),
        pytest.param(an_officers_key, id="row 3: an officer's key"),
        pytest.param(nobodys_key, id="row 3: no signature"),
    ],
)
def test_a_team_signs_with_its_own_key(
    published: Published, teams: Teams, source: str, who: Callable[[Teams], list[CryptoSigner]]
) -> None:
    client = published.reader(source)
    teams.change("nlp", teams.load("nlp"), *who(teams))

    told = refused(lambda: read_all(client))

    assert told == "trust list signature: team `nlp` signed by 0 of 1 keys; missing: nlp-0"
    assert found_in(read_all(client, OTHER.exact), OTHER.handle) == "vision"


def two_of(published: Published) -> tuple[Teams, list[CryptoSigner]]:
    signers = [CryptoSigner.generate_ed25519() for _ in range(3)]
    made = Teams(published)
    made.delegate("nlp", "tfhub.dev/google/*/*/*", signers=signers, threshold=2)
    return made, signers


def test_row_3_one_of_two_signatures_is_not_enough(published: Published) -> None:
    teams, signers = two_of(published)
    teams.publish("nlp", RECORD, signers=signers[:2])
    assert found_in(read_all(published.reader()), SPICE) == "nlp"

    teams.publish("nlp", RECORD, signers=signers[:1])

    assert "signed by 1 of 2 keys; missing: nlp-1, nlp-2" in refused(
        lambda: read_all(published.reader())
    )


def test_row_9_one_signature_twice_counts_once(published: Published) -> None:
    teams, signers = two_of(published)
    teams.publish("nlp", RECORD, signers=[signers[0], signers[0]])

    assert "signed by 1 of 2 keys" in refused(lambda: read_all(published.reader()))


def renamed(signer: CryptoSigner, keyid: str) -> CryptoSigner:
    """The same key under another id."""
    key = Key.from_dict(keyid, signer.public_key.to_dict())
    return CryptoSigner(signer._private_key, key)  # type: ignore[arg-type]  # it is an SSlibKey


def in_other_letters(signer: CryptoSigner, keyid: str) -> CryptoSigner:
    """The same key under another id, written in another way."""
    written = deepcopy(signer.public_key.to_dict())
    public = written["keyval"]["public"]
    if "PUBLIC KEY" in public:
        written["keyval"]["public"] = public.rstrip() + "\n\n"
    else:
        written["keyval"]["public"] = public.upper()
    return CryptoSigner(signer._private_key, Key.from_dict(keyid, written))  # type: ignore[arg-type]  # it is an SSlibKey


@pytest.mark.parametrize("make", [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa])
@pytest.mark.parametrize("other", [renamed, in_other_letters])
def test_row_9_one_key_under_two_ids_does_not_make_two_of_a_team(
    published: Published,
    make: Callable[[], CryptoSigner],
    other: Callable[[CryptoSigner, str], CryptoSigner],
) -> None:
    one = make()
    twice = [one, other(one, "ab" * 32)]
    Teams(published).delegate("nlp", signers=twice, threshold=2)

    assert "`nlp` must be signed by 2 keys, and has one under two key ids" in refused(
        published.reader().refresh
    )


def test_row_9_one_key_under_two_ids_does_not_make_two_officers(published: Published) -> None:
    client = published.reader()
    good = client.refresh()
    twice = renamed(published.officer, "ab" * 32)
    root = published.load("1.root.json")
    root.signed.version = 2
    root.signed.add_key(twice.public_key, "targets")
    root.signed.roles["targets"].threshold = 2
    published.save("2.root.json", root, published.officer)

    assert "`targets` must be signed by 2 keys, and has one" in refused(client.refresh)
    assert client.cached() == good

    pinned = (published.metadata / "2.root.json").read_bytes()
    fresh = TrustClient(published.place / "s", published.folder, pinned, clock=published.clock)
    assert "one under two key ids" in refused(fresh.refresh)


def test_two_ids_of_one_key_that_may_sign_alone_deceive_nobody(published: Published) -> None:
    one = CryptoSigner.generate_ed25519()
    teams = Teams(published)
    teams.delegate("nlp", signers=[one, renamed(one, "ab" * 32)])
    teams.publish("nlp", RECORD)

    assert found_in(read_all(published.reader()), SPICE) == "nlp"


def test_row_8_what_is_outside_a_teams_paths_is_not_listed(
    published: Published, teams: Teams
) -> None:
    teams.publish("nlp", OTHER, make_record("kaggle.com/google/nnlm/tensorFlow2/en/1"))
    client = published.reader()

    found = client.load_role(read_all(client, OTHER.exact), "nlp")

    assert found_in(found, "kaggle.com/google/nnlm/tensorFlow2/en/1") is None
    assert found_in(found, OTHER.handle) == "vision"
    assert [str(exact) for exact, _ in found.listing()] == [SPICE, OTHER.handle]


def test_row_8_a_rotated_key_is_refused_and_the_others_go_on(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    read_all(client)
    stolen = teams.keys["nlp"]

    teams.delegate("nlp", "tfhub.dev/google/*/*/*", publish=False)

    # The very file that was good before: it was signed by who may sign no longer.
    assert "team `nlp` signed by 0 of 1 keys" in refused(lambda: read_all(client))
    teams.publish("nlp", make_record("tfhub.dev/google/spice/9"), signers=stolen)
    assert "team `nlp` signed by 0 of 1 keys" in refused(lambda: read_all(client))
    assert found_in(read_all(client, OTHER.exact), OTHER.handle) == "vision"

    teams.publish("nlp", RECORD)
    assert found_in(read_all(client), SPICE) == "nlp"


def test_a_raised_threshold_holds_for_the_file_that_was_read(
    published: Published, teams: Teams
) -> None:
    client = published.reader()
    read_all(client)
    signers = [*teams.keys["nlp"], CryptoSigner.generate_ed25519()]

    teams.delegate("nlp", "tfhub.dev/google/*/*/*", signers=signers, threshold=2, publish=False)

    assert "team `nlp` signed by 1 of 2 keys" in refused(lambda: read_all(client))
