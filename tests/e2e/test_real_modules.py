"""Modules that people really use, and stand-ins at the sizes of the launch post's."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from hubproxy.core.record import GateNote
from tests.e2e.jobs import Job, pack
from tests.e2e.place import Place
from tests.realmodules import BASIC_PITCH, MEDAKA, fetch

pytestmark = pytest.mark.e2e
pytest.importorskip("tensorflow_hub", reason="needs the real tensorflow_hub")

WORDS = "tfhub.dev/google/nnlm-en-dim50/2"
IMAGES = "tfhub.dev/google/imagenet/mobilenet_v2_100_224/feature_vector/5"
PITCH, DNA = "tfhub.dev/spotify/basic-pitch/1", "tfhub.dev/nanoporetech/medaka/1"


def members(archive: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getmembers()


def test_basic_pitch_turns_a_sound_into_notes(
    place: Place, job: Job, kept: Path, tmp_path: Path
) -> None:
    place.hub.put(PITCH, fetch(BASIC_PITCH, kept))
    (record,) = place.approve(PITCH)
    url = place.start()

    notes = job.do(
        "signature", f"https://{PITCH}", HUBPROXY_URL=url, TFHUB_CACHE_DIR=tmp_path / "cache"
    )

    assert record.format == "saved_model"
    assert record.root == ""
    assert notes == {"contour": [1, 172, 264], "note": [1, 172, 88], "onset": [1, 172, 88]}


def test_medaka_is_given_its_root_and_plain_modes(
    place: Place, job: Job, kept: Path, tmp_path: Path
) -> None:
    archive = fetch(MEDAKA, kept)
    shipped = members(archive)
    assert {member.name.partition("/")[0] for member in shipped} == {"model"}
    assert any(member.mode & 0o2000 for member in shipped)
    place.hub.put(DNA, archive)
    pickled = ["medaka.models.build_model", "medaka.features.CountsFeatureEncoder"]
    pickled += ["medaka.labels.HaploidLabelScheme", "functools.partial"]
    names = [f"pickle:{name}" for name in pickled]
    why = ["--why", "nothing that loads the model reads it", "--review-by", "2099-12-31"]
    place.trust("policy", "allow", DNA, *names, *why)

    (record,) = place.approve(DNA)

    assert isinstance(record.gate, GateNote)
    assert record.gate.verdict == "hold"
    assert {line.split()[0] for line in record.findings} == set(names)
    assert record.format == "saved_model"
    assert record.root == "model"
    assert {entry.path for entry in record.files} == {
        "keras_metadata.pb",
        "meta.pkl",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    }
    assert record.changes == (
        "added folder ./",
        "dropped setgid bits of model",
        "dropped setgid bits of model/assets",
        "dropped setgid bits of model/variables",
        "took away the top folder model/",
    )
    url = place.start()
    loaded = job.do(
        "signature", f"https://{DNA}", HUBPROXY_URL=url, TFHUB_CACHE_DIR=tmp_path / "cache"
    )
    assert loaded == {"classify": [1, 1000, 5]}


def test_words_are_embedded_and_trained_on(
    place: Place, job: Job, modules: Path, tmp_path: Path
) -> None:
    archive = pack(modules / "words")
    assert len(archive) > 40_000_000
    place.hub.put(WORDS, gzip.compress(archive, 1))
    place.approve(WORDS)
    where = {"HUBPROXY_URL": place.start(), "TFHUB_CACHE_DIR": tmp_path / "cache"}

    assert job.do("embed", f"https://{WORDS}", **where) == {"shape": [2, 50]}
    assert job.do("rate", f"https://{WORDS}") == {"shape": [2, 1]}


def test_images_are_described_and_classified(
    place: Place, job: Job, modules: Path, tmp_path: Path
) -> None:
    place.hub.put(IMAGES, gzip.compress(pack(modules / "images"), 1))
    place.approve(IMAGES)
    where = {"HUBPROXY_URL": place.start(), "TFHUB_CACHE_DIR": tmp_path / "cache"}

    assert job.do("features", f"https://{IMAGES}", **where) == {"shape": [2, 1280]}
    assert job.do("classify", f"https://{IMAGES}") == {"shape": [2, 5]}
