"""The few protobuf messages of a SavedModel that are looked at, described here by field number.

They are TensorFlow's (`tensorflow/core/protobuf/{saved_model,meta_graph,saved_object_graph}.proto`,
`framework/{graph,node_def,attr_value,function,tensor_shape,variable}.proto`), in a pool and a
package of our own, so that they never meet TensorFlow's in one process. A field that is not named
here is skipped as its bytes, tensors above all. The syntax is proto3, as theirs is: what they
refuse (names that are not UTF-8, more than 100 levels) is refused, and what they merge is merged.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "hubproxy.inspection"
_SCALARS = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int64": FieldDescriptorProto.TYPE_INT64,
    # Enumerations too: a number is a number on the wire.
    "int32": FieldDescriptorProto.TYPE_INT32,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}
# Message -> its fields: "[repeated | map | oneof] type name number". A map's keys are strings. The
# fields of a oneof stand here all, since of them the last one on the wire counts.
_MESSAGES = {
    "SavedModel": ("repeated MetaGraph meta_graphs 2",),
    "MetaGraph": (
        "MetaInfo meta_info_def 1",
        "Graph graph_def 2",
        "Saver saver_def 3",
        "map Collection collection_def 4",
        "map Signature signature_def 5",
        "repeated AssetFile asset_file_def 6",
        "ObjectGraph object_graph_def 7",
    ),
    "MetaInfo": ("repeated string tags 4", "string tensorflow_version 5"),
    "Graph": ("repeated Node node 1", "Library library 2"),
    "Node": ("string name 1", "string op 2", "repeated string input 3", "map Attribute attr 5"),
    # No oneof, for its tensors would be kept in memory: whatever is here counts.
    "Attribute": (
        "List list 1",
        "bytes s 2",
        "int32 type 6",
        "Shape shape 7",
        "string placeholder 9",
        "Called func 10",
    ),
    "List": ("repeated bytes s 2", "repeated Called func 9"),
    "Called": ("string name 1", "map Attribute attr 2"),
    "Library": (
        "repeated Function function 1",
        "repeated Gradient gradient 2",
        "repeated RegisteredGradient registered_gradients 3",
    ),
    "Function": ("OpDef signature 1", "repeated Node node_def 3", "map Attribute attr 5"),
    "Gradient": ("string function_name 1", "string gradient_func 2"),
    "RegisteredGradient": ("string gradient_func 1",),
    "OpDef": ("string name 1", "repeated Argument input_arg 2"),
    "Argument": ("string name 1", "string number_attr 5", "string type_list_attr 6"),
    "Saver": (
        "string filename_tensor_name 1",
        "string save_tensor_name 2",
        "string restore_op_name 3",
    ),
    "AssetFile": ("Tensor tensor_info 1", "string filename 2"),
    "Collection": (
        "oneof NodeList node_list 1",
        "oneof BytesList bytes_list 2",
        "oneof Unread int64_list 3",
        "oneof Unread float_list 4",
        "oneof AnyList any_list 5",
    ),
    "NodeList": ("repeated string value 1",),
    "BytesList": ("repeated bytes value 1",),
    "AnyList": ("repeated Any value 1",),
    "Any": ("string type_url 1", "bytes value 2"),
    "Unread": (),
    "Variable": (
        "string variable_name 1",
        "string initializer_name 2",
        "string snapshot_name 3",
        "string initial_value_name 6",
    ),
    "Signature": ("map Tensor inputs 1", "map Tensor outputs 2"),
    "Tensor": (
        "oneof string name 1",
        "int32 dtype 2",
        "Shape tensor_shape 3",
        "oneof Sparse coo_sparse 4",
        "oneof Composite composite_tensor 5",
    ),
    "Sparse": (
        "string values_tensor_name 1",
        "string indices_tensor_name 2",
        "string dense_shape_tensor_name 3",
    ),
    "Composite": ("repeated Tensor components 2",),
    "Shape": ("repeated Dimension dim 2", "bool unknown_rank 3"),
    "Dimension": ("int64 size 1",),
    "ObjectGraph": ("repeated Object nodes 1", "map ConcreteFunction concrete_functions 2"),
    "ConcreteFunction": ("repeated int32 bound_inputs 2",),
    "Object": (
        "repeated SlotVariable slot_variables 3",
        "oneof UserObject user_object 4",
        "oneof Asset asset 5",
        "oneof ObjectFunction function 6",
        "oneof ObjectVariable variable 7",
        "oneof BareFunction bare_concrete_function 8",
        "oneof Unread constant 9",
        "oneof Unread resource 10",
        "oneof Unread captured_tensor 12",
        "string registered_name 13",
    ),
    "UserObject": ("string identifier 1", "string metadata 3"),
    "Asset": ("int32 asset_file_def_index 1",),
    "ObjectFunction": ("repeated string concrete_functions 1",),
    "BareFunction": ("string concrete_function_name 1",),
    "SlotVariable": ("int32 slot_variable_node_id 3",),
    "ObjectVariable": ("int32 dtype 1", "Shape shape 2", "bool trainable 3"),
    # tfhub_module.pb
    "HubModule": ("int32 format 1",),
    # keras_metadata.pb: keras/protobuf/saved_metadata.proto
    "KerasMetadata": ("repeated KerasObject nodes 1",),
    "KerasObject": ("string node_path 3", "string identifier 4", "string metadata 5"),
    # The header of variables.index: tensorflow/core/protobuf/tensor_bundle.proto
    "BundleHeader": ("int32 num_shards 1",),
}


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="hubproxy/inspection.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields:
            *label, kind, field, number = text.split()
            if label == ["oneof"]:
                _add(message.field, kind, field, int(number)).oneof_index = 0
                if not message.oneof_decl:
                    message.oneof_decl.add(name="kind")
                continue
            if label == ["map"]:
                # What a map is on the wire: repeated pairs.
                pair = message.nested_type.add(name=f"{field.title().replace('_', '')}Entry")
                pair.options.map_entry = True
                _add(pair.field, "string", "key", 1)
                _add(pair.field, kind, "value", 2)
                kind = f"{name}.{pair.name}"
            _add(message.field, kind, field, int(number), repeated=bool(label))
    return file


def _add(
    fields: Any, kind: str, name: str, number: int, *, repeated: bool = False
) -> FieldDescriptorProto:
    field: FieldDescriptorProto = fields.add(name=name, number=number)
    field.label = (
        FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    )
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    return field


_POOL = DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Message:
    """An empty message, `SavedModel` or another of the table, to parse into."""
    found: Message = GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))()
    return found
