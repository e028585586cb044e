"""Before anything is written, a new root is seen to follow from the one in force."""

from dataclasses import replace
from pathlib import Path

import pytest
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # no __all__
from tuf.api.metadata import Metadata

from hubproxy.errors import UsageError
from hubproxy.trust.build import Built, build
from hubproxy.trust.changes import Officer, PublicKey, Renew
from hubproxy.trust.signing import sign_built
from hubproxy.trust.standing import check_chained
from tests.trust.board import Board


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path, threshold=1)


def built(board: Board, *changes: Officer | Renew) -> Built:
    return build(board.list.in_force(), changes, board.contents(), board.clock())


def test_a_root_with_another_key_under_an_officers_id_needs_the_old_officers(board: Board) -> None:
    """Whoever compares ids alone takes the two roots to demand the same."""
    made = built(board, Renew(role="root"))
    assert made.root is not None
    ada = board.keys["ada"].public_key
    eve = SSlibKey(ada.keyid, "ed25519", "ed25519", board.keys["eve"].public_key.keyval)
    made.root.signed.keys[ada.keyid] = eve

    assert [part.role for part in made.parts() if len(part.demands) == 2] == ["root"]


def test_a_root_that_the_old_officers_did_not_sign_is_not_published(board: Board) -> None:
    eve = PublicKey.of(board.keys["eve"].public_key, "eve")
    made = built(board, Officer(name="eve", key=eve))
    sign_built(made, board.keys["eve"])
    held = board.list.in_force()

    with pytest.raises(UsageError, match="no reader would take the new root: root was signed by"):
        check_chained(held, made)
    sign_built(made, board.keys["ada"])
    check_chained(held, made)

    assert made.root is not None
    bare = replace(made, root=Metadata(made.root.signed))
    with pytest.raises(UsageError, match="no reader would take the new root"):
        check_chained(held, bare)
