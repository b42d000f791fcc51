# Leaves something behind in every place that an invocation can change, or tells where it finds something.
import asyncio
import atexit
import builtins
import decimal
import gc
import json
import locale
import os
import random
import resource
import signal
import socket
import sys
import threading

KEPT = []
PRISTINE = {
    "cwd": os.getcwd(),
    "fds": None,
    "locale": locale.setlocale(locale.LC_ALL),
    "limits": resource.getrlimit(resource.RLIMIT_NOFILE),
    "precision": decimal.getcontext().prec,
    "recursion": sys.getrecursionlimit(),
    "switch": sys.getswitchinterval(),
    "handler": signal.getsignal(signal.SIGUSR1),
    "path": list(sys.path),
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
}


def leave():
    global LEFT
    LEFT = True
    KEPT.append(socket.socket())
    KEPT.append(open("/var/task/index.py"))
    builtins.left = True
    builtins.len = lambda _: 42
    json.left = True
    sys.modules["left"] = sys
    sys.path.append("/left")
    sys.setrecursionlimit(777)
    sys.setswitchinterval(0.5)
    os.environ["LEFT"] = "1"
    os.chdir("/")
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    os.nice(1)
    locale.setlocale(locale.LC_NUMERIC, "C.UTF-8")
    decimal.getcontext().prec = 7
    gc.disable()
    threading.Thread(target=threading.Event().wait, name="left", daemon=True).start()
    atexit.register(print)
    return ["left"]


def look():
    umask = os.umask(0o022)
    os.umask(umask)
    found = {
        "a global": "LEFT" in globals(),
        "a list of the module": KEPT != [],
        "a builtin": hasattr(builtins, "left"),
        "a builtin that is another": [].__len__() != len([]),
        "an attribute of a module": hasattr(json, "left"),
        "a module": "left" in sys.modules,
        "the path of modules": sys.path != PRISTINE["path"],
        "the depth of recursion": sys.getrecursionlimit() != PRISTINE["recursion"],
        "the switch interval": sys.getswitchinterval() != PRISTINE["switch"],
        "the environment": "LEFT" in os.environ,
        "the folder": os.getcwd() != PRISTINE["cwd"],
        "the umask": umask == 0o077,
        "the signal mask": signal.SIGUSR2 in signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "a signal's handler": signal.getsignal(signal.SIGUSR1) != PRISTINE["handler"],
        "a timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "a limit": resource.getrlimit(resource.RLIMIT_NOFILE) != PRISTINE["limits"],
        "the priority": os.getpriority(os.PRIO_PROCESS, 0) != PRISTINE["nice"],
        "the locale": locale.setlocale(locale.LC_ALL) != PRISTINE["locale"],
        "the precision of decimals": decimal.getcontext().prec != PRISTINE["precision"],
        "the collector": not gc.isenabled(),
        "a thread": any(thread.name == "left" for thread in threading.enumerate()),
        "sockets and files": any(
            os.path.realpath(f"/proc/self/fd/{fd}").endswith("index.py") for fd in os.listdir("/proc/self/fd")
        ),
    }
    return sorted(what for what, is_there in found.items() if is_there)


def handler(event, context):
    return leave() if event["body"] == "leave" else look()
