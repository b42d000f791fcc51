"""Enters a cgroup, then does what it reads: `kind address port`, one a line, and says how each ended."""

import ctypes
import errno
import os
import socket
import struct
import sys

with open(sys.argv[1] + "/cgroup.procs", "w") as processes:
    processes.write(str(os.getpid()))
libc = ctypes.CDLL(None, use_errno=True)

MSG_FASTOPEN = 0x20000000
TCP_FASTOPEN_CONNECT = 30
IP_OPTIONS, IP_RETOPTS = 4, 7
DEADLINE_S = 5


def made(family, kind, protocol=0):
    its = socket.socket(family, kind, protocol)
    its.settimeout(DEADLINE_S)
    return its


def tcp(family, to):
    made(family, socket.SOCK_STREAM).connect(to)


def tcp_by_device(family, to):
    its = made(family, socket.SOCK_STREAM)
    its.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    its.connect(to)


def tcp_fastopen(family, to):
    its = made(family, socket.SOCK_STREAM)
    its.settimeout(None)
    its.sendto(b"x", MSG_FASTOPEN, to)


def tcp_fastopen_connect(family, to):
    its = made(family, socket.SOCK_STREAM)
    its.settimeout(None)
    its.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    its.connect(to)
    its.send(b"x")


def udp(family, to):
    its = made(family, socket.SOCK_DGRAM)
    its.connect(to)
    its.send(b"x")


def udp_sendto(family, to):
    made(family, socket.SOCK_DGRAM).sendto(b"x", to)


def udp_sendmsg(family, to):
    made(family, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, to)


def udp_when_connected(family, to):
    """To another address than the one that the socket is connected to."""
    its = made(family, socket.SOCK_DGRAM)
    is_v4 = family == socket.AF_INET
    mapped = to[0].startswith("::ffff:")
    its.connect(("8.8.8.8" if is_v4 else "::ffff:8.8.8.8" if mapped else "2606:4700::1", 9))
    its.sendto(b"x", to)


def address_bytes(family, to, said=None):
    said = family if said is None else said
    port = struct.pack(">H", to[1])
    if family == socket.AF_INET:
        return struct.pack("=H", said) + port + socket.inet_pton(family, to[0]) + bytes(8)
    host = socket.inet_pton(family, to[0].split("%")[0])
    return struct.pack("=H", said) + port + struct.pack("=I", to[2]) + host + struct.pack("=I", to[3])


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def udp_sendmmsg(family, to):
    its = made(family, socket.SOCK_DGRAM)
    name = ctypes.create_string_buffer(address_bytes(family, to))
    data = ctypes.create_string_buffer(b"x", 1)
    vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(data), 1))
    header = struct.pack(
        "=QIIQQQQiI", ctypes.addressof(name), len(name) - 1, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0
    )
    message = ctypes.create_string_buffer(header + bytes(8))
    checked(libc.sendmmsg(its.fileno(), message, 1, 0))


def raw_sendto(socket_family, address):
    its = made(socket_family, socket.SOCK_DGRAM)
    checked(libc.sendto(its.fileno(), b"x", 1, 0, address, len(address)))


def udp_v4_name_on_v6(family, to):
    raw_sendto(socket.AF_INET6, address_bytes(family, to))


def udp_name_without_family(family, to):
    raw_sendto(family, address_bytes(family, to, socket.AF_UNSPEC))


def route(to):
    """Loose source route by way of `to`, padded."""
    return b"\x83\x07\x04" + socket.inet_aton(to[0]) + b"\0"


def routed(family, to):
    """To a public address, by way of another one."""
    its = made(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET:
        its.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, route(to))
        return its.sendto(b"x", ("8.8.8.8", to[1]))
    header = bytes([0, 4, 4, 1, 1, 0, 0, 0]) + bytes(16) + socket.inet_pton(family, to[0])
    its.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, header)
    its.sendto(b"x", ("2606:4700::1", to[1]))


def routed_by_message(family, to):
    options = [(socket.IPPROTO_IP, IP_RETOPTS, route(to))]
    made(family, socket.SOCK_DGRAM).sendmsg([b"x"], options, 0, ("8.8.8.8", to[1]))


def protocol(kind, number):
    return lambda family, to: made(family, kind, number).connect(to)


listeners = []


def bind(family, to):
    its = made(family, socket.SOCK_STREAM)
    its.bind(to)
    its.listen()
    listeners.append(its)
    return its.getsockname()[1]


def bind_udp(family, to):
    made(family, socket.SOCK_DGRAM).bind(to)


KINDS = {kind.__name__: kind for kind in [
    tcp, tcp_by_device, tcp_fastopen, tcp_fastopen_connect, udp, udp_sendto, udp_sendmsg, udp_sendmmsg,
    udp_when_connected, udp_v4_name_on_v6, udp_name_without_family, routed, routed_by_message, bind, bind_udp,
]} | {
    "mptcp": protocol(socket.SOCK_STREAM, 262),
    "sctp": protocol(socket.SOCK_STREAM, 132),
    "dccp": protocol(6, 33),
    "udplite": protocol(socket.SOCK_DGRAM, 136),
    "ping": protocol(socket.SOCK_DGRAM, 1),
    "ping6": protocol(socket.SOCK_DGRAM, 58),
    "raw": protocol(socket.SOCK_RAW, 17),
}

print("ready", flush=True)
for line in sys.stdin:
    kind, address, port = line.split()
    family, _, _, _, to = socket.getaddrinfo(
        address, int(port), type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    try:
        result = KINDS[kind](family, to)
        print("bound %d" % result if kind == "bind" else "ok", flush=True)
    except OSError as error:
        print(errno.errorcode.get(error.errno, repr(error)), flush=True)
