"""The class that an op gets before a person has looked at it: by name, by prefix, by its state.

What is named here was read one by one, in TensorFlow's documentation and its kernels; the
fallback, pure or stateful, is a suggestion that whoever adds a TensorFlow must look through.
"""

import re

from hubproxy.inspection.gate.optable import OpClass

_NAMED: dict[tuple[OpClass, str], str] = {
    ("file-write", "writes a file, and makes the folders above it"): "WriteFile",
    ("file-write", "writes to the file that output_stream names"): "PrintV2",
    ("file-write", "writes a checkpoint to the place it is given"): (
        "Save SaveSlices SaveV2 DTensorSaveV2"
    ),
    ("file-write", "writes a checkpoint, and removes the folders of its parts"): (
        "MergeV2Checkpoints"
    ),
    ("file-write", "sends what passes to files or servers named by debug_urls"): (
        "DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary "
        "DebugNumericSummaryV2"
    ),
    ("file-write", "makes a file of events"): "CreateSummaryFileWriter",
    ("file-write", "makes an SQLite database"): "CreateSummaryDbWriter",
    ("file-write", "writes to a file of events"): (
        "WriteAudioSummary WriteGraphSummary WriteHistogramSummary WriteImageSummary "
        "WriteRawProtoSummary WriteScalarSummary WriteSummary FlushSummaryWriter ImportEvent "
        "CloseSummaryWriter SummaryWriter StatsAggregatorSetSummaryWriter"
    ),
    ("file-write", "writes a dataset to files"): (
        "DatasetToTFRecord ExperimentalDatasetToTFRecord SaveDataset SaveDatasetV2"
    ),
    ("file-write", "writes a dataset to files, and reads it from there"): (
        "SnapshotDataset SnapshotDatasetV2 CacheDataset CacheDatasetV2"
    ),
    ("file-write", "writes tensors into a folder"): "DumpTensor",
    ("file-write", "writes what it counted to a file"): "CalibrationStatisticsSaver",
    ("file-read", "reads a file"): "ReadFile",
    ("file-read", "lists files that match a pattern"): (
        "MatchingFiles MatchingFilesDataset ExperimentalMatchingFilesDataset"
    ),
    ("file-read", "reads a checkpoint from the place it is given"): (
        "Restore RestoreSlice RestoreV2 DTensorRestoreV2 LoadAndRemapMatrix"
    ),
    ("file-read", "reads the lines or records of files"): (
        "TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset "
        "FixedLengthRecordDatasetV2 CSVDataset CSVDatasetV2 ExperimentalCSVDataset RecordInput"
    ),
    ("file-read", "reads a database in a file"): (
        "LMDBDataset ExperimentalLMDBDataset SqlDataset ExperimentalSqlDataset"
    ),
    ("file-read", "reads a dataset from files"): (
        "LoadDataset SnapshotDatasetReader SnapshotNestedDatasetReader SnapshotChunkDataset "
        "ListSnapshotChunksDataset"
    ),
    ("file-read", "reads files named by a queue"): (
        "WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 TFRecordReader "
        "TFRecordReaderV2 FixedLengthRecordReader FixedLengthRecordReaderV2 LMDBReader "
        "ReaderRead ReaderReadV2 ReaderReadUpTo ReaderReadUpToV2 ReaderReset ReaderResetV2 "
        "ReaderRestoreState ReaderRestoreStateV2 ReaderSerializeState ReaderSerializeStateV2 "
        "ReaderNumRecordsProduced ReaderNumRecordsProducedV2 ReaderNumWorkUnitsCompleted "
        "ReaderNumWorkUnitsCompletedV2"
    ),
    ("file-read", "reads a vocabulary from a file"): (
        "InitializeTableFromTextFile InitializeTableFromTextFileV2 GenerateVocabRemapping "
        "FixedUnigramCandidateSampler Skipgram"
    ),
    ("file-read", "reads the description of a protocol buffer from a file"): (
        "DecodeProtoV2 EncodeProto"
    ),
    ("file-read", "maps a file into memory"): "ImmutableConst",
    ("network", "opens a server that others may call"): (
        "RpcServer RpcServerRegister RpcServerStart"
    ),
    ("network", "calls a server"): (
        "Rpc TryRpc RpcCall RpcClient RpcCheckStatus RpcGetValue DeleteRpcFutureResource"
    ),
    ("network", "talks to a tf.data service"): (
        "DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 "
        "RegisterDataset RegisterDatasetV2 DistributedSave CompressElement UncompressElement "
        "DummyIterationCounter"
    ),
    ("network", "sends to another device or job, or waits for one"): (
        "Send Recv NcclAllReduce NcclBroadcast NcclReduce AllToAll CollectivePermute "
        "CrossReplicaSum"
    ),
    ("network", "sets how remote files are reached, and with whose rights"): (
        "FileSystemSetConfiguration GcsConfigureBlockCache GcsConfigureCredentials"
    ),
    ("network", "reads a remote database"): "BigQueryReader GenerateBigQueryReaderPartitions",
    ("code", "calls a Python function of the process"): "PyFunc PyFuncStateless EagerPyFunc",
    ("code", "runs a graph that is hidden in a text"): (
        "DatasetFromGraph DeserializeIterator RemoteFusedGraphExecute TfLiteSubgraphExecute"
    ),
    ("code", "runs compiled code that is hidden in a text"): (
        "XlaCustomCall XlaCustomCallV2 XlaCallModule MlirPassthroughOp XlaHostCompute"
    ),
    ("code", "runs a function on another device or job"): "RemoteCall",
    ("denial", "ends the process"): "Abort",
    ("denial", "waits as long as it is told"): (
        "SleepDataset ExperimentalSleepDataset SleepOp SleepIdentityOp"
    ),
    ("internal", "hands tensors from one run of a session to another"): (
        "GetSessionHandle GetSessionHandleV2 GetSessionTensor DeleteSessionTensor"
    ),
    ("internal", "made by TensorFlow itself while it runs or converts a graph"): (
        "CustomAggregator SyncDevice DevicePlacementOp DeviceIndex Copy CopyHost "
        "StoreMinibatchStatisticsInFdo"
    ),
    ("pure", "puts the name of a checkpoint's shard together"): (
        "ShardedFilename ShardedFilespec"
    ),
    ("pure", "holds a value, or none"): (
        "OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone"
    ),
    ("pure", "computes"): "Batch BatchFunction Unbatch UnbatchGrad SymbolicGradient",
    ("data", "a part of an input pipeline"): (
        "GetOptions ExperimentalThreadPoolHandle ThreadPoolHandle StatsAggregatorHandle "
        "StatsAggregatorHandleV2 StatsAggregatorSummary ExperimentalStatsAggregatorHandle "
        "ExperimentalStatsAggregatorSummary MapDefun"
    ),
    ("test", "made for TensorFlow's own tests"): (
        "A Attr AttrBool AttrBoolList AttrDefault AttrEmptyListDefault AttrEnum AttrEnumList "
        "AttrFloat AttrListDefault AttrListMin AttrListTypeDefault AttrMin AttrPartialShape "
        "AttrPartialShapeList AttrShape AttrShapeList AttrTypeDefault B Binary ComplexStruct "
        "ConstructionFails CopyOp DefaultAttrs DtypeWithDefaultOp FiveFloatOutputs FloatInput "
        "FloatOutput FloatOutputStringOutput Foo1 Foo2 Foo3 FuncAttr FuncListAttr "
        "GetDeadline GraphDefVersion InPolymorphicTwice Int64Output IntAttr IntInput "
        "IntInputFloatInput IntInputIntOutput IntOutput IntOutputFloatOutput "
        "IsResourceHandleRefCounting IsTensorFloat32Enabled KernelLabel KernelLabelRequired "
        "ListInput ListOutput MakeWeakResourceHandle MixedStruct NInPolymorphicTwice NInTwice "
        "NInTwoTypeVariables NIntsIn NIntsOut NIntsOutDefault NPolymorphicIn NPolymorphicOut "
        "NPolymorphicOutDefault NPolymorphicRestrictIn NPolymorphicRestrictOut "
        "Namespace>TestStringOutput None Old OpWithDefaultAttr OpWithFutureDefaultAttr OutT "
        "OutTypeList OutTypeListRestrict Polymorphic PolymorphicDefaultOut PolymorphicOut RefIn "
        "RefInputFloatInput RefInputFloatInputIntOutput RefInputIntInput RefOut RefOutput "
        "RefOutputFloatOutput RequiresOlderGraphVersion ReservedAttr ReservedInput "
        "ResourceCreateOp ResourceInitializedOp ResourceUsingOp Restrict Simple SimpleStruct "
        "StringListAttr StubResourceHandleOp TestAttr TestStringOutput TwoFloatInputs "
        "TwoFloatInputsFloatOutput TwoFloatInputsIntOutput TwoFloatOutputs TwoIntInputs "
        "TwoIntOutputs TwoRefsIn TypeList TypeListRestrict TypeListTwice Unary"
    ),
}  # fmt: skip
_BY_NAME = {
    name: (kind, reason) for (kind, reason), names in _NAMED.items() for name in names.split()
}
_PATTERNS: tuple[tuple[str, OpClass, str], ...] = (
    ("_.*", "internal", "made by TensorFlow itself while it runs a graph"),
    ("Collective.*", "network", "exchanges tensors with other devices or jobs"),
    (
        (
            ".*TPU.*|.*Tpu.*|Infeed.*|Outfeed.*|Prelinearize.*|Xla.*|Risc.*|DTensor.*|Relayout.*|"
            ".*SparseCore.*|.*Minibatch.*|.*Dedup.*|.*Coo(Tensor|Tensors)|CopyToMesh.*|WorkerHeartbeat|"
            "AssignVariableXlaConcatND|ReadVariableXlaSplitND|GlobalIterId|TopKUnique|TopKWithUnique|"
            "MakeUnique|UpdateTaskIdAndGlobalCoreArray|.*HostComputeMlir|ConvertToCooTensor"
        ),
        "accelerator",
        "for accelerators: what it does depends on the device",
    ),
    (
        ".*Dataset.*|.*Iterator.*|.*MemoryCache|.*SeedGenerator",
        "data",
        "a part of an input pipeline",
    ),
)


def suggested(name: str, *, stateful: bool) -> tuple[OpClass, str]:
    """The class of an op that the table does not have, and why."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    for pattern, kind, reason in _PATTERNS:
        if re.fullmatch(pattern, name):
            return kind, reason
    if stateful:
        return "stateful", "keeps or changes state within the process"
    return "pure", "computes"
