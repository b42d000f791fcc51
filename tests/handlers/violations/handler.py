import os
import threading


def data_socket():
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                return int(name)
        except FileNotFoundError:
            pass


LATE = []


def late(packet):
    thread = threading.Timer(0.05, os.write, (data_socket(), packet))
    thread.start()
    LATE.append(thread)


def handler(event, context):
    body = event["body"] or {}
    packet = bytes(body.get("packet", []))
    match body.get("do"):
        case "send":
            os.write(data_socket(), packet)
        case "flood":
            for _ in range(100_000):
                os.write(data_socket(), packet)
        case "late":
            late(packet)
        case "join":
            for thread in LATE:
                thread.join()
        case "close":
            os.close(data_socket())
    return "an honest answer"
