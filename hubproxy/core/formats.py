"""What kind of module a set of files is, and which of its files says so."""

from collections.abc import Iterable

from hubproxy.core.record import Format

_ROOT_FILES: tuple[tuple[str, Format], ...] = (
    ("tfhub_module.pb", "tf1_hub"),
    ("saved_model.pb", "saved_model"),
    ("keras_metadata.pb", "keras"),
    ("model.json", "tfjs"),
)
_ENDINGS: tuple[tuple[str, Format], ...] = ((".tflite", "tflite"), (".keras", "keras"))


def detect_format(paths: Iterable[str]) -> Format:
    """The format of a module with files at these paths; `other` when none is at its root.

    `tfhub_module.pb` stands beside a `saved_model.pb` in the format of TF1's `hub.Module`,
    so it is looked for first.
    """
    root = {path for path in paths if "/" not in path}
    for name, form in _ROOT_FILES:
        if name in root:
            return form
    for ending, form in _ENDINGS:
        if any(name.endswith(ending) for name in root):
            return form
    return "other"
