"""Mirror lists as files."""

from pathlib import Path

import pytest

from hubproxy.config.mirror import load_mirror
from hubproxy.core.mirrorlist import Want
from hubproxy.errors import ConfigError


def read(tmp_path: Path, text: str) -> tuple[Want, ...]:
    path = tmp_path / "mirror.toml"
    path.write_text(text)
    return load_mirror(path)[0]


def test_the_example_shows_every_key_at_its_default() -> None:
    ((want,), lock) = load_mirror(Path("config/mirror.toml"))
    assert lock is None
    assert want == Want(modules=("tfhub.dev/google/nnlm-en-dim50/2", "tfhub.dev/google/*"))


def test_a_size_may_be_written_with_its_unit(tmp_path: Path) -> None:
    (want,) = read(tmp_path, '[[want]]\nmodules = ["tfhub.dev/a/b"]\nlargest = "2GiB"\n')
    assert want.largest == 2 * 1024**3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[want]]"),
        ("want = 3\n", "no [[want]]"),
        ('module = ["a"]\n[[want]]\nmodules = ["tfhub.dev/a/b"]\n', "it has module"),
        ("[[want]]\n", "`modules`"),
        ('[[want]]\nmodules = ["tfhub.dev/a/b"]\nversion = 2\n', "`version`"),
        ('[[want]]\nmodules = ["tfhub.dev/a/b"]\nlargest = "big"\n', "'big'"),
        ('[[want]]\nmodules = ["tfhub.dev/a/b"]\nformats = ["onnx"]\n', "'onnx'"),
        ('[[want]]\nmodules = ["tfhub.dev/a/b"]\n[[want]]\nmodules = []\n', "[[want]] 2"),
        ("want = [3]\n", "[[want]] 1"),
        ("[[want]\n", "is not TOML"),
    ],
)
def test_what_is_no_mirror_list_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert caught.value.remedy


def test_a_missing_mirror_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read: No such file"):
        load_mirror(tmp_path / "none.toml")
