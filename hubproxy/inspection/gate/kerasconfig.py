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
from hubproxy.inspection.gate import kerasnames
from hubproxy.inspection.gate.optable import ALLOWED, OpKind, classed

MOST_CONFIG = 64 * 1024 * 1024
"""Bytes of a configuration that is read."""

_CODE = "which Keras runs as the model is loaded or called"
_ALLOW = "It would pass without that layer; officers can allow it for this module."
_CLASSES = {
    "Lambda": f"a Lambda layer holds Python code, {_CODE}",
    "__lambda__": f"it holds Python code, {_CODE}",
    "function": "it names a Python function, which Keras looks up and calls",
    "TFSMLayer": "it loads another SavedModel, from wherever its path leads",
    "TorchModuleWrapper": "it holds a module of PyTorch as a pickle, which runs what it names",
    "JaxLayer": f"it names functions of Python, {_CODE}",
    "FlaxLayer": f"it names functions of Python, {_CODE}",
}
"""Keras's own classes that do more than compute. Another's is built only where its code was
imported before."""

_FILES = frozenset({"vocabulary", "vocabulary_file"})
"""What a layer or a feature column is given as a list, or as a file to read."""

_CALLS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_METHODS = frozenset({"RaggedTensor", "SparseTensor"})
_OURS = re.compile(r"(keras|tf_keras|tensorflow\.python\.keras)(\..*)?|builtins")


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
    modules = [value for key, value in one if key == "module" and isinstance(value, str)]
    for key, value in one:
        if not isinstance(value, str):
            continue
        if key in ("class_name", "layer_class"):
            _check_class(value, one, where, found)
            if any(map(_OURS.fullmatch, modules)) and _last(value)[:1].islower():
                _check_class("function", one, f"{where}: {value}", found)
        elif key == "module" and not _OURS.fullmatch(value):
            found.add(
                "keras:module",
                f"{where}: {value}",
                why="Keras imports the module that is named here, and takes a class out of it",
                remedy="Officers can allow it for this module.",
            )
        elif key.endswith("_type") and value == "lambda":
            _hold("Lambda", f"{where}: {key}", _CLASSES["Lambda"], found)
        elif key in _FILES and value:
            why = "it reads a file of the machine that loads the model"
            _hold("vocabulary", f"{where}: {value}", why, found)


def _check_class(name: str, one: _Object, where: str, found: Collector) -> None:
    last = _last(name)
    if last == "function" and _is_known_function(one):
        return
    if last in _CLASSES:
        _hold(last, where, _CLASSES[last], found)
    elif last in _CALLS:
        _check_call(last, one, where, found)
    elif last == "ClassMethod":
        if any(value not in _METHODS for value in _configured(one, "cls_symbol")):
            _hold(last, where, "it calls a method of a class that it names", found)
    elif last == "TensorFlowOpLayer":
        kinds = [_classed(value) for value in _configured(one, "node_def")]
        if not kinds or any(kind is None or kind.kind not in ALLOWED for kind in kinds):
            _hold(last, where, "it runs an op of TensorFlow, and not one that only computes", found)


def _is_known_function(one: _Object) -> bool:
    named = [value for key, value in one if key in ("config", "class_name") and value != "function"]
    known = (isinstance(name, str) and name in kerasnames.FUNCTIONS for name in named)
    return len(named) > 0 and all(known)


def _last(name: str) -> str:
    """A class's own name: Keras finds `layers.Lambda` in the module `keras`, too."""
    return re.split(r"[>.]", name)[-1]


def _configured(one: _Object, wanted: str) -> list[Any]:
    configs = [value for key, value in one if key == "config" and isinstance(value, _Object)]
    return [value for config in configs for key, value in config if key == wanted]


def _classed(node: Any) -> OpKind | None:
    """What the op of a node can do; None for one that cannot be told."""
    ops = [value for key, value in node if key == "op"] if isinstance(node, _Object) else []
    return classed(ops[0]) if len(ops) == 1 and isinstance(ops[0], str) else None


def _hold(name: str, where: str, why: str, found: Collector) -> None:
    found.add(f"keras:{name}", where, why=why, remedy=_ALLOW)


def _check_call(name: str, one: _Object, where: str, found: Collector) -> None:
    for function in _configured(one, "function"):
        if not isinstance(function, str) or not kerasnames.CALLS.fullmatch(function):
            found.add(
                f"keras:{name}",
                f"{where}: {function}" if isinstance(function, str) else where,
                why="it calls a function of TensorFlow by name, and not one that only computes",
                remedy="Officers can allow it for this module.",
            )
