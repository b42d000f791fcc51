import ctypes
import os
import sys
import time


def fail():
    raise RuntimeError("thrown")


def bomb():
    everything = []
    while True:
        everything.append([index + 0.5 for index in range(100_000)])


def buffers():
    everything = []
    while True:
        everything.append(bytearray(b"1") * 10_000_000)


def loop():
    while True:
        pass


def slow():
    time.sleep(0.3)
    return os.getpid()


ACTIONS = {
    "fine": os.getpid,
    "throw": fail,
    "exit": lambda: sys.exit(3),
    "exit_now": lambda: os._exit(3),
    "abort": os.abort,
    "segv": lambda: ctypes.string_at(8),
    "bomb": bomb,
    "buffers": buffers,
    "loop": loop,
    "wait": lambda: time.sleep(600),
    "slow": slow,
}


def handler(event, context):
    return ACTIONS[event["body"] or "fine"]()
