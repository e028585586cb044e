import json

import pytest

from hubproxy.cli.options import Output, note


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07", id="escape"),
        pytest.param("\x9b1A", r"\x9b1A", id="one-byte-control"),
        pytest.param("good\rbad", r"good\rbad", id="carriage-return"),
        pytest.param("D3\nD4  signed", r"D3\nD4  signed", id="line-of-its-own"),
        pytest.param("\u202egood", r"\u202egood", id="right-to-left"),
        pytest.param("\ud800", r"\ud800", id="lone-surrogate"),
        pytest.param("bytes: 1,000 … ü", "bytes: 1,000 … ü", id="harmless"),
    ],
)
def test_what_is_printed_cannot_drive_a_terminal(
    capsys: pytest.CaptureFixture[str], text: str, shown: str
) -> None:
    Output(as_json=False).result({}, text=text)
    Output(as_json=False).result({}, text=["first", text])
    note(text)
    Output(as_json=True).result({"text": text}, text="")

    out, errors = capsys.readouterr()
    *lines, object_line = out.removesuffix("\n").split("\n")
    assert lines == [shown, "first", shown]
    assert errors == shown + "\n"
    assert json.loads(object_line) == {"text": text}
    assert object_line.isprintable()
