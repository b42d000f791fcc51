import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
KEPT = []


def call(number, *arguments):
    def value(argument):
        if isinstance(argument, str):
            return ctypes.create_string_buffer(argument.encode("latin-1"), 4096)
        return ctypes.c_long(argument)

    before = os.getpid()
    result = LIBC.syscall(ctypes.c_long(number), *map(value, arguments))
    if os.getpid() != before:
        os._exit(0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def read(path):
    with open(path, "rb") as file:
        file.read(64)


def read_if_text(path):
    with open(path, "rb") as file:
        if not file.read(64):
            raise OSError(errno.ENODATA, "")


def write(path, mode="ab"):
    with open(path, mode) as file:
        file.write(b"x")


def via_link(target):
    link = f"/tmp/link{os.urandom(4).hex()}"
    os.symlink(target, link)
    read(link)


def hard_link(target):
    link = f"/tmp/hard{os.urandom(4).hex()}"
    os.link(target, link)


def connect(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect((host, port))


def datagram(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", (host, port))


def abstract(name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect("\0" + name)


def make_socket(domain, kind, protocol):
    socket.socket(domain, kind, protocol).close()


def fill(size):
    """Writes so much into one file; what was written is removed again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open("/tmp/filler", "wb", buffering=0) as file:
            for _ in range(size // (1 << 20)):
                file.write(b"x" * (1 << 20))
    finally:
        os.unlink("/tmp/filler")


def fill_many(size):
    """The same in files of 8 MB each."""
    made = []
    try:
        for index in range(size // (8 << 20)):
            made.append(f"/tmp/filler{index}")
            with open(made[-1], "wb", buffering=0) as file:
                for _ in range(8):
                    file.write(b"x" * (1 << 20))
    finally:
        for path in made:
            os.unlink(path)


def inodes(count):
    os.mkdir("/tmp/many")
    try:
        for index in range(count):
            open(f"/tmp/many/{index}", "w").close()
    finally:
        for name in os.listdir("/tmp/many"):
            os.unlink(f"/tmp/many/{name}")
        os.rmdir("/tmp/many")


def deep(count):
    for index in range(count):
        os.mkdir("d")
        os.chdir("d")


def dropped_program(path):
    with open(path, "wb") as file, open("/bin/true", "rb") as true:
        file.write(true.read())
    os.chmod(path, 0o755)
    os.execv(path, [path])


def memory_program():
    descriptor = os.memfd_create("program")
    with open("/bin/true", "rb") as true:
        os.write(descriptor, true.read())
    os.execve(descriptor, ["x"], {})


def map_executable(path):
    import mmap

    with open(path, "wb") as file:
        file.write(b"\xc3" * 4096)
    with open(path, "rb") as file:
        mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC).close()


def load_library(path):
    """A library that lies in the function's own temporary folder."""
    import glob
    import shutil

    shutil.copy(glob.glob("/usr/lib/*/libz.so.1")[0], path)
    try:
        ctypes.CDLL(path)
    except OSError:
        raise OSError(errno.EPERM, "")


def spawn(*command):
    subprocess.run(command, check=True, timeout=5, capture_output=True)


def grep(token):
    """Looks for a token in everything that can be read, in the environment and in its own memory."""
    wanted = token.encode()
    found = []
    for folder, folders, files in os.walk("/"):
        folders[:] = [] if folder.startswith(("/usr", "/lib")) else folders
        for name in files:
            path = os.path.join(folder, name)
            try:
                if os.path.getsize(path) < 1 << 22 and not os.path.islink(path) and "/mem" not in path:
                    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                    try:
                        if wanted in os.read(descriptor, 1 << 20):
                            found.append(path)
                    finally:
                        os.close(descriptor)
            except OSError:
                pass
    # The whole of what is looked for stands nowhere in this process, or it would find itself.
    for line in open("/proc/self/maps").readlines():
        span, rights, _, _, _, *name = line.split()
        first, last = (int(edge, 16) for edge in span.split("-"))
        if not rights.startswith("rw") or last - first > 1 << 28 or name[:1] in (["[vvar]"], ["[vsyscall]"]):
            continue
        area = ctypes.string_at(first, last - first)
        at = area.find(b"planted-")
        while at >= 0:
            if area[at + 8 : at + 8 + len(wanted)] == wanted:
                found.append("memory " + line)
                break
            at = area.find(b"planted-", at + 1)
    return found


def plant(token):
    KEPT.append("planted-" + token)
    with open("/tmp/planted", "w") as file:
        file.write(KEPT[-1])


def spin():
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def daemon():
    """A process that nobody is the parent of, in a session of its own."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.write(writer, struct.pack("i", os.getpid()))
            while True:
                time.sleep(60)
        os._exit(0)
    return struct.unpack("i", os.read(reader, 4))[0]


def overflow():
    """Calls through C use the C stack, whatever the interpreter counts."""
    import sys

    sys.setrecursionlimit(1 << 30)
    kind = ctypes.CFUNCTYPE(None)

    def down():
        again()

    again = kind(down)
    again()
    ctypes.string_at(8)


def fork_bomb(count):
    made = []
    try:
        for _ in range(count):
            child = os.fork()
            if child == 0:
                time.sleep(20)
                os._exit(0)
            made.append(child)
    finally:
        for child in made:
            os.kill(child, signal.SIGKILL)


def thread_bomb(count, seconds=0):
    stop = threading.Event()
    made = []
    threading.stack_size(1 << 16)
    try:
        for _ in range(count):
            thread = threading.Thread(target=stop.wait)
            try:
                thread.start()
            except RuntimeError:
                raise OSError(errno.EAGAIN, "")
            made.append(thread)
        time.sleep(seconds)
    finally:
        stop.set()
        for thread in made:
            thread.join()


def memory(size):
    KEPT.append(b"x" * size)


def unlimited_memory(size):
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    memory(size)


def memory_file(size):
    descriptor = os.memfd_create("bomb")
    KEPT.append(descriptor)
    for _ in range(size // (1 << 20)):
        os.write(descriptor, b"x" * (1 << 20))


def shared_memory(size):
    import mmap

    area = mmap.mmap(-1, size)
    KEPT.append(area)
    area[:] = b"x" * size


def flood(size):
    line = "x" * 1023
    for _ in range(size // 1024):
        print(line)


def native_flood(size):
    for _ in range(size // 4096):
        os.write(1, b"y" * 4095 + b"\n")


def one_line(size):
    os.write(1, b"z" * size)


def forged_lines():
    os.write(1, b'{"level":"ERROR","message":"forged"}\r\n\x1b[2Jcleared\x00nul\n')
    os.close(1)


def kill_all():
    os.kill(-1, signal.SIGKILL)


def data_socket():
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                return int(name)
        except FileNotFoundError:
            pass


def packet_with(data, count, kind):
    """A packet with descriptors that nobody asked for."""
    makers = {
        "pipe": lambda: os.pipe()[0],
        "folder": lambda: os.open("/", os.O_RDONLY),
        "zero": lambda: os.open("/dev/zero", os.O_RDONLY),
        "file": lambda: os.memfd_create("x"),
        "socket": lambda: os.dup(data_socket()),
    }
    descriptors = [makers[kind]() for _ in range(count)]
    control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{count}i", *descriptors))]
    with socket.socket(fileno=os.dup(data_socket())) as other:
        other.sendmsg([bytes(data)], control)


def half_then_sleep(data):
    os.write(data_socket(), bytes(data))
    time.sleep(60)


def send(data):
    os.write(data_socket(), bytes(data))


def send_slowly(data):
    for byte in bytes(data):
        os.write(data_socket(), bytes([byte]))
        time.sleep(0.01)


def replace_socket():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    KEPT.append((one, other))
    os.dup2(one.fileno(), data_socket())


def never_reads():
    while True:
        time.sleep(60)


ACTIONS = {
    "abort": os.abort,
    "abstract": abstract,
    "call": call,
    "chmod": os.chmod,
    "close": lambda: os.close(data_socket()),
    "connect": connect,
    "daemon": daemon,
    "datagram": datagram,
    "deep": deep,
    "dropped_program": dropped_program,
    "exec": lambda *command: os.execv(command[0], command),
    "fatal": lambda: ctypes.pythonapi.Py_FatalError(b"attack"),
    "fill": fill,
    "fill_many": fill_many,
    "flood": flood,
    "forged_lines": forged_lines,
    "fork": lambda: os.fork() or os._exit(0),
    "fork_bomb": fork_bomb,
    "grep": grep,
    "half_then_sleep": half_then_sleep,
    "hard_link": hard_link,
    "inodes": inodes,
    "kill": os.kill,
    "kill_all": kill_all,
    "list": os.listdir,
    "load_library": load_library,
    "map_executable": map_executable,
    "memory": memory,
    "memory_file": memory_file,
    "memory_program": memory_program,
    "mkfifo": os.mkfifo,
    "nap": lambda seconds=0.2: time.sleep(seconds) or os.getpid(),
    "native_flood": native_flood,
    "never_reads": never_reads,
    "one_line": one_line,
    "overflow": overflow,
    "plant": plant,
    "packet_with": packet_with,
    "pid": os.getpid,
    "read": read,
    "read_if_text": read_if_text,
    "replace_socket": replace_socket,
    "respond": lambda answer: answer,
    "segv": lambda: ctypes.string_at(8),
    "send": send,
    "send_slowly": send_slowly,
    "shared_memory": shared_memory,
    "sleep": time.sleep,
    "socket": make_socket,
    "spawn": spawn,
    "spin": spin,
    "thread_bomb": thread_bomb,
    "unlimited_memory": unlimited_memory,
    "via_link": via_link,
    "write": write,
}


def handler(event, context):
    body = event["body"] or {}
    name, *arguments = body.get("step") or ["pid"]
    own = os.getpid()
    sibling = next((pid for pid in body.get("pids", []) if pid != own), 0)
    arguments = [{"@own": own, "@sibling": sibling}.get(it, it) if isinstance(it, str) else it for it in arguments]
    try:
        result = ACTIONS[name](*arguments)
    except MemoryError:
        return "ENOMEM"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except subprocess.SubprocessError as error:
        return type(error).__name__
    return "ok" if result is None else result
