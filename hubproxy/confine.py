"""Giving up, for good, what a process that reads hostile bytes has no need of.

`confine` leaves it its own memory, up to a bound, and the descriptors that it holds. It opens
nothing any more, connects to nothing, starts nothing, and names no file: on Linux the kernel ends
it when it tries (seccomp, `Documentation/userspace-api/seccomp_filter.rst`); elsewhere the limits
alone hold. What it needs of modules and files, it imports and opens before.
"""

import ctypes
import platform
import resource
import struct
import sys

_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = (
    0x20,
    0x15,
    0x35,
    0x06,
)  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, …, BPF_RET
_NUMBER, _ARCHITECTURE = 0, 4  # struct seccomp_data
_KILL, _ALLOW = 0x80000000, 0x7FFF0000
_X32 = 0x40000000

# Numbers of asm/unistd.h. What touches only this process, and descriptors that it holds.
_X86_64 = (
    0xC000003E,
    {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9,
        "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
        "rt_sigreturn": 15, "pread64": 17, "readv": 19, "writev": 20, "sched_yield": 24,
        "mremap": 25, "madvise": 28, "getpid": 39, "exit": 60, "sigaltstack": 131, "gettid": 186,
        "futex": 202, "sched_getaffinity": 204, "set_tid_address": 218, "restart_syscall": 219,
        "clock_gettime": 228, "exit_group": 231, "getrandom": 318, "membarrier": 324, "rseq": 334,
    },
)  # fmt: skip
_AARCH64 = (
    0xC00000B7,
    {
        "read": 63, "write": 64, "close": 57, "fstat": 80, "ppoll": 73, "lseek": 62, "mmap": 222,
        "mprotect": 226, "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "pread64": 67, "readv": 65, "writev": 66, "sched_yield": 124,
        "mremap": 216, "madvise": 233, "getpid": 172, "exit": 93, "sigaltstack": 132,
        "gettid": 178, "futex": 98, "sched_getaffinity": 123, "set_tid_address": 96,
        "restart_syscall": 128, "clock_gettime": 113, "exit_group": 94, "getrandom": 278,
        "membarrier": 283, "rseq": 293,
    },
)  # fmt: skip
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def confine(*, memory: int, cpu_seconds: int, file_bytes: int = 0) -> bool:
    """Confine this process, once and for all. It must have one thread.

    Args:
        memory: bytes of address space.
        cpu_seconds: of work; then it is ended by SIGXCPU.
        file_bytes: that it may write to a file that it holds open. Pipes have no bound.

    Returns:
        Whether the kernel ends it when it tries more; else the limits alone hold.
    """
    for kind, most, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
        (resource.RLIMIT_CORE, 0, 0),
        # No descriptor can be opened any more, whatever it would be of.
        (resource.RLIMIT_NOFILE, 0, 0),
    ):
        _, given = resource.getrlimit(kind)
        if given == resource.RLIM_INFINITY or hard <= given:
            resource.setrlimit(kind, (most, hard))
    return _filter()


def _filter() -> bool:
    machine = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None:
        return False
    text = _program(*machine)
    program = _Program(len(text) // 8, text)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_NO_NEW_PRIVS, ctypes.c_ulong(1), *[ctypes.c_ulong(0)] * 3) != 0:
        return False
    found: int = prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program))
    return found == 0


def _program(architecture: int, calls: dict[str, int]) -> bytes:
    """A filter that lets these system calls through, and ends the process at any other."""
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for number in sorted(calls.values()):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _KILL))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
