"""Modules for `hubproxy inspect`: a clean one, a poisoned one and a broken one."""

import bz2
import gzip
import json
import lzma

from tests.archives import tar_of, zip_of
from tests.inspection.wire import graph, meta, node, saved_model, shape, signature, tensor
from tests.models import MODEL

CALL = signature(
    {"images": tensor(1, shape(-1, 224, 224, 3))}, {"probabilities": tensor(1, shape(-1, 1000))}
)
CLEAN = {
    **MODEL,
    "saved_model.pb": saved_model(
        meta(
            graph(
                node("Const", "mean"),
                node("VarHandleOp", "kernel"),
                node("PartitionedCall", "call"),
                functions={"body": [node("Conv2D", "conv"), node("Softmax", "softmax")]},
            ),
            signatures={"serving_default": CALL},
        )
    ),
    "assets/labels.txt": b"cat\ndog\n",
}
"""It tells images apart."""

POISONED = {
    **CLEAN,
    "saved_model.pb": saved_model(
        meta(
            graph(
                node("Const", "mean"),
                functions={
                    "body": [node("Conv2D", "conv"), node("PartitionedCall", "call")],
                    "inner": [node("ReadFile", "key"), node("WriteFile", "out")],
                },
            ),
            signatures={"serving_default": CALL},
        )
    ),
}
"""It reads and writes files, in a function that another one calls."""

BROKEN = {path: CLEAN[path] for path in CLEAN if "data-00000" not in path}
"""A shard of its variables is missing."""

LAMBDA = zip_of(
    {
        "metadata.json": json.dumps({"keras_version": "3.0.0"}).encode(),
        "config.json": json.dumps(
            {
                "class_name": "Sequential",
                "module": "keras",
                "config": {
                    "layers": [{"class_name": "Lambda", "module": "keras.layers", "config": {}}]
                },
            }
        ).encode(),
        "model.weights.h5": b"",
    }
)
"""A `.keras` file with code in it."""

ARCHIVES = {
    "model.tar": tar_of(CLEAN),
    "model.tar.gz": gzip.compress(tar_of(CLEAN), 1),
    "model.tar.bz2": bz2.compress(tar_of(CLEAN)),
    "model.tar.xz": lzma.compress(tar_of(CLEAN)),
    "model.zip": zip_of(CLEAN),
    "model": tar_of(CLEAN),
}
