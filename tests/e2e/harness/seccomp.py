"""System calls that this kernel has and another one lacks: taken away by a seccomp filter, which every child inherits."""
import ctypes
import errno
import platform
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LD_ABS, AND, JEQ, RET = 0x20, 0x54, 0x15, 0x06
NR_OFFSET, ARG1_LOW = 0, 16 + 8

NUMBERS = {"x86_64": {"ioctl": 16, "clone3": 435}, "aarch64": {"ioctl": 29, "clone3": 435}}[platform.machine()]
PIDFD_GET_INFO = 0xFF0B  # type and number of the ioctl; its size grows with the kernel


def _filter(steps):
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def without_call(name, error=errno.ENOSYS):
    return _filter([(LD_ABS, 0, 0, NR_OFFSET), (JEQ, 0, 1, NUMBERS[name]), (RET, 0, 0, RET_ERRNO | error), (RET, 0, 0, RET_ALLOW)])


def without_ioctl(request, error=errno.ENOTTY):
    return _filter([(LD_ABS, 0, 0, NR_OFFSET), (JEQ, 0, 4, NUMBERS["ioctl"]), (LD_ABS, 0, 0, ARG1_LOW), (AND, 0, 0, 0xFFFF),
                    (JEQ, 0, 1, request), (RET, 0, 0, RET_ERRNO | error), (RET, 0, 0, RET_ALLOW)])


def apply(program):
    """For preexec_fn: the filter holds for this process and all that come of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    for call in ((PR_SET_NO_NEW_PRIVS, 1, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header))):
        if libc.prctl(*call, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")
