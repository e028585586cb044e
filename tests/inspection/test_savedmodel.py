"""What a `saved_model.pb` says of itself."""

import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubproxy.inspection.facts import Facts, Graph, Signature, Tensor, UnreadableError
from hubproxy.inspection.savedmodel import MOST_KINDS, facts_of, parse
from tests.inspection.wire import (
    ANY_RANK,
    data,
    graph,
    meta,
    node,
    number,
    pair,
    saved_model,
    shape,
    signature,
    tensor,
    variable,
)
from tests.realmodules import BASIC_PITCH, MEDAKA, Carrier, fetch

FLOAT, STRING, RESOURCE = 1, 7, 20


def read_saved_model(content: bytes) -> Facts:
    return facts_of(parse(content))


def member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        (path,) = (one for one in tar.getnames() if one.endswith(name))
        file = tar.extractfile(path)
        assert file is not None
        return file.read()


@pytest.mark.parametrize(
    ("carrier", "made_with", "calls", "parameters", "kinds"),
    [
        pytest.param(
            BASIC_PITCH,
            "2.4.1",
            "input_2: float32[?, 43844, 1] -> contour: float32[?, 172, 264], "
            "note: float32[?, 172, 88], onset: float32[?, 172, 88]",
            (16_877, 16_782),
            48,
            id="basic-pitch",
        ),
        pytest.param(
            MEDAKA,
            "2.10.0",
            "bidirectional_input: float32[?, 1000, 10] -> classify: float32[?, 1000, 5]",
            (405_264, 405_253),
            54,
            id="medaka",
        ),
    ],
)
def test_a_real_module_says_what_it_is(
    kept: Path,
    carrier: Carrier,
    made_with: str,
    calls: str,
    parameters: tuple[int, int],
    kinds: int,
) -> None:
    facts = read_saved_model(member(fetch(carrier, kept), "saved_model.pb"))

    (only,) = facts.graphs
    (call,) = only.signatures
    ins, outs = (", ".join(map(str, one)) for one in (call.inputs, call.outputs))
    assert (only.tags, only.tensorflow) == (("serve",), made_with)
    assert (call.name, f"{ins} -> {outs}") == ("serving_default", calls)
    assert (facts.parameters, facts.trainable) == parameters
    assert facts.ops is not None
    assert len(facts.ops) == kinds
    assert facts.ops == tuple(sorted(set(facts.ops)))


def test_ops_are_those_of_every_graph_and_every_function() -> None:
    first = graph(node("Const"), functions={"unused": [node("ReadFile"), node("Const")]})
    facts = read_saved_model(saved_model(meta(first), meta(graph(node("Add")), tags=("train",))))
    assert facts.ops == ("Add", "Const", "ReadFile")


def test_a_second_copy_of_a_graph_hides_nothing() -> None:
    facts = read_saved_model(saved_model(meta(graph(node("WriteFile")), graph(node("Const")))))
    assert facts.ops == ("Const", "WriteFile")


def test_signatures_are_told_with_names_types_and_shapes() -> None:
    default = signature(
        {"words": tensor(STRING, shape(-1)), "ids": tensor(9, shape(2, -1))},
        {"rows": tensor(FLOAT, shape(-1, 50)), "any": tensor(14, ANY_RANK), "one": tensor(19, b"")},
    )
    own = signature({}, {"__saved_model_init_op": tensor(0, ANY_RANK)})
    calls = {"serving_default": default, "__saved_model_init_op": own}
    (found,) = read_saved_model(saved_model(meta(graph(), signatures=calls))).graphs

    inputs = (Tensor("ids", "int64", (2, -1)), Tensor("words", "string", (-1,)))
    outputs = (
        Tensor("any", "bfloat16", None),
        Tensor("one", "float16", ()),
        Tensor("rows", "float32", (-1, 50)),
    )
    default_read = Signature("serving_default", inputs, outputs)
    assert found == Graph(tags=("serve",), tensorflow="2.21.0", signatures=(default_read,))
    assert [str(one) for one in outputs] == [
        "any: bfloat16 of any shape",
        "one: float16[]",
        "rows: float32[?, 50]",
    ]


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        pytest.param(101, "float32_ref", id="a reference"),
        pytest.param(201, "type 201", id="a reference to a reference"),
        pytest.param(2**31 - 1, "type 2147483647", id="the largest number"),
        pytest.param(-1, "type -1", id="less than none"),
        pytest.param(0, "type 0", id="none"),
        pytest.param(77, "type 77", id="one that is not known"),
        pytest.param(-1, "type -1", id="a negative one"),
    ],
)
def test_types_are_named(dtype: int, name: str) -> None:
    call = signature({"x": tensor(dtype, b"")}, {})
    (found,) = read_saved_model(saved_model(meta(graph(), signatures={"s": call}))).graphs
    assert found.signatures[0].inputs[0].dtype == name


def test_variables_of_the_object_graph_are_counted_without_an_optimizers_slots() -> None:
    objects = b"".join(
        data(1, one)
        for one in (
            variable(FLOAT, shape(3, 4), trainable=True),
            variable(FLOAT, shape(5), trainable=False),
            variable(STRING, shape(9), trainable=True),
            variable(FLOAT, shape(3, 4), trainable=True),
            data(3, number(1, 0), data(2, b"m"), number(3, 3)),  # the one before is its slot
        )
    )
    facts = read_saved_model(saved_model(meta(graph(), objects=objects)))
    assert (facts.parameters, facts.trainable) == (17, 12)


def tf1_variable(name: str, *sizes: int, op: str = "VarHandleOp") -> bytes:
    return node(op, name, dtype=number(6, FLOAT), shape=data(7, shape(*sizes)))


def test_variables_of_tensorflow_1_are_nodes_of_the_graph() -> None:
    small = meta(graph(tf1_variable("a", 2)), trainable=["a"])
    nodes = (tf1_variable("a", 2, 3), tf1_variable("b", 4, op="VariableV2"), node("Const", "c"))
    large = meta(graph(*nodes), tags=("train",), trainable=["a", "gone"])
    facts = read_saved_model(saved_model(small, large))
    assert (facts.parameters, facts.trainable) == (10, 6)


def test_what_is_not_said_is_not_guessed() -> None:
    untold = read_saved_model(saved_model(meta(graph(tf1_variable("a", 2)))))
    assert (untold.parameters, untold.trainable) == (2, None)
    of_any_size = read_saved_model(saved_model(meta(graph(tf1_variable("a", 2, -1)))))
    assert (of_any_size.parameters, of_any_size.trainable) == (None, None)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "holds no graph", id="nothing"),
        pytest.param(saved_model(), "holds no graph", id="no graph"),
        pytest.param(b"\x08\x01" * 700, "holds no graph", id="a version, many times"),
        pytest.param(b"a graph", "is not a SavedModel", id="a text"),
        pytest.param(saved_model(meta(graph(node("Add"))))[:-3], "is not a SavedModel", id="cut"),
        pytest.param(
            b"\x12\xff\xff\xff\xff\x07", "is not a SavedModel", id="2 GB that are not there"
        ),
        pytest.param(
            saved_model(meta(graph(data(2, b"\xff")))), "is not a SavedModel", id="not UTF-8"
        ),
        pytest.param(
            saved_model(meta(graph(*(node(f"Op{at}") for at in range(MOST_KINDS + 1))))),
            "more than 10000 kinds",
            id="too many kinds",
        ),
        pytest.param(saved_model(meta(graph(node("A" * 257)))), "or longer ones", id="a long name"),
        pytest.param(
            saved_model(meta(graph(tf1_variable("a", 2**40, 2**40)))),
            "larger than any machine's memory",
            id="more numbers than there are",
        ),
        pytest.param(
            saved_model(
                meta(graph()) + pair(4, "trainable_variables", data(2, data(1, b"\xff\xff")))
            ),
            "a variable in saved_model.pb is not one",
            id="a variable that is none",
        ),
    ],
)
def test_what_is_no_saved_model_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read_saved_model(content)


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(UnreadableError):
        read_saved_model(content)


@given(st.integers(min_value=0), st.integers(0, 255))
def test_a_module_with_one_byte_changed_is_read_or_refused(at: int, byte: int) -> None:
    call = signature({"x": tensor(FLOAT, shape(-1, 3))}, {"y": tensor(FLOAT, shape(-1))})
    whole = bytearray(
        saved_model(
            meta(graph(tf1_variable("a", 2)), signatures={"s": call}, trainable=["a"]),
            meta(graph(), objects=data(1, variable(FLOAT, shape(3), trainable=True))),
        )
    )
    whole[at % len(whole)] = byte
    with suppress(UnreadableError):
        read_saved_model(bytes(whole))
