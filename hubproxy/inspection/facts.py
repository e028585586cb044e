"""What was found inside a module: plain values, on their way from the child to the parent."""

import msgspec

ANY = -1
"""A dimension that may have any size."""


class Tensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input or output: its name, what it holds, and its dimensions.

    Args:
        dtype: TensorFlow's name, such as `float32`.
        shape: `ANY` where a dimension is open; None when not even their number is known.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.name}: {self.dtype} of any shape"
        sizes = ", ".join("?" if size == ANY else str(size) for size in self.shape)
        return f"{self.name}: {self.dtype}[{sizes}]"


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a graph can be called by."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class Graph(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One meta graph: its tags, the TensorFlow that wrote it (or ""), and its signatures."""

    tags: tuple[str, ...] = ()
    tensorflow: str = ""
    signatures: tuple[Signature, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of text below `assets/`, and its lines."""

    path: str
    lines: int


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a module says of itself.

    Args:
        graphs: in the file's order.
        ops: the kinds of op in every graph and every function, sorted; for a format whose
            graphs are not looked at, None.
        parameters: numbers in all its variables; None where that is not said.
        trainable: how many of these training may change; None where that is not said.
        vocabularies: by path.
    """

    graphs: tuple[Graph, ...] = ()
    ops: tuple[str, ...] | None = None
    parameters: int | None = None
    trainable: int | None = None
    vocabularies: tuple[Vocabulary, ...] = ()


class UnreadableError(ValueError):
    """What is inside a module cannot be told, and why.

    Args:
        damaged: whether it is because the bytes are not what they should be: not only too many,
            or of a kind that is not known here.
    """

    def __init__(self, why: str, *, damaged: bool = False) -> None:
        super().__init__(why)
        self.damaged = damaged
