"""A Keras configuration: JSON that says which classes and functions to build a model from.

Loading one runs what it names: a `Lambda` holds Python bytecode in base64, and Keras 3 imports the
modules that it is told. Everything is looked at, at any depth, and under each of two equal keys.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from hubproxy.inspection.collector import Collector
from hubproxy.inspection.facts import UnreadableError

MOST_CONFIG = 64 * 1024 * 1024
"""Bytes of a configuration that is read."""

_CODE = {
    "Lambda": "a Lambda layer holds Python code, which Keras runs as the model is loaded or called",
    "__lambda__": "it holds Python code, which Keras runs as the model is loaded or called",
    "function": "it names a Python function, which Keras looks up and calls",
}
_CALLS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_OURS = re.compile(r"(keras|tf_keras|tensorflow\.python\.keras)(\..*)?|builtins")
_PURE = re.compile(
    r"(math|nn|linalg|signal|strings|image\.(resize|adjust|rgb|per_image|convert)|sparse|ragged|"
    r"__operators__|keras\.backend|bitwise|random)\..*|image\.resize|"
    r"(cast|reshape|concat|stack|unstack|split|expand_dims|squeeze|transpose|gather|gather_nd|"
    r"one_hot|shape|slice|strided_slice|tile|pad|range|zeros|ones|zeros_like|ones_like|fill|where|"
    r"clip_by_value|identity|stop_gradient|reverse|boolean_mask|broadcast_to|convert_to_tensor|"
    r"constant|compat\.v1\.(shape|transpose|gather|squeeze|nn\..*|math\..*)|einsum|tensordot|"
    r"compat\.v1\.placeholder_with_default|repeat|roll|size|rank|norm|eye|sequence_mask|unique)"
)


class _Object(list[tuple[str, Any]]):
    """A JSON object, with both of two equal keys."""


def check_config(text: str | bytes, where: str, found: Collector) -> None:
    """Look through a configuration.

    Args:
        where: for people.

    Raises:
        UnreadableError: it is no JSON that Keras could read.
    """
    try:
        config = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is not JSON: {error}", damaged=True) from error
    for one in _objects(config):
        _check(one, where, found)


def _objects(config: Any) -> Iterator[_Object]:
    waiting = [config]
    while waiting:
        one = waiting.pop()
        if isinstance(one, _Object):
            yield one
            waiting += [value for _, value in one]
        elif isinstance(one, list):
            waiting += one


def _check(one: _Object, where: str, found: Collector) -> None:
    for key, value in one:
        if not isinstance(value, str):
            continue
        if key in ("class_name", "layer_class") and value.rpartition(">")[2] in _CODE:
            name = value.rpartition(">")[2]
            found.add(
                f"keras:{name}",
                where,
                why=_CODE[name],
                remedy="It would pass without that layer; officers can allow it for this module.",
            )
        elif key == "class_name" and value in _CALLS:
            _check_call(value, one, where, found)
        elif key == "module" and not _OURS.fullmatch(value):
            found.add(
                "keras:module",
                f"{where}: {value}",
                why="Keras imports the module that is named here, and takes a class out of it",
                remedy="Officers can allow it for this module.",
            )


def _check_call(name: str, one: _Object, where: str, found: Collector) -> None:
    configs = [value for key, value in one if key == "config" and isinstance(value, _Object)]
    called = [value for config in configs for key, value in config if key == "function"]
    for function in called:
        if not isinstance(function, str) or not _PURE.fullmatch(function):
            found.add(
                f"keras:{name}",
                f"{where}: {function}" if isinstance(function, str) else where,
                why="it calls a function of TensorFlow by name, and not one that only computes",
                remedy="Officers can allow it for this module.",
            )
