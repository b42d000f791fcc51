"""Prepares the interpreter, loads the user's module and finds its handler.

    install     in the language zygote: what every function shares
    load        in the function zygote: environment, module, handler
    blockers    in the function zygote: what a fork would break
"""

# What handlers use most: loaded once for all functions.
import argparse, array, ast, asyncio, base64, bisect, calendar, codecs, collections, collections.abc  # noqa: E401
import concurrent.futures.thread, contextlib, contextvars, copy, csv, dataclasses, datetime, decimal, email.message  # noqa: E401
import email.parser, enum, fractions, functools, gc, glob, gzip, hashlib, heapq, hmac, html, http.client  # noqa: E401
import http.cookies, importlib, importlib.metadata, importlib.util, inspect, io, ipaddress, itertools, json, locale  # noqa: E401
import logging, logging.config, math, mimetypes, operator, os, pathlib, pickle, platform, pprint, queue, random, re  # noqa: E401
import secrets, select, shutil, signal, site, socket, ssl, statistics, string, struct, subprocess, sys, tempfile  # noqa: E401
import textwrap, threading, time, traceback, types, typing, unicodedata, urllib.parse, urllib.request, uuid, warnings  # noqa: E401
import weakref, zipfile, zlib, zoneinfo  # noqa: E401

from _zygo import apps, forks, log, loop

_NAMES_LISTED_MAX = 12

# Numeric libraries start a thread for each processor when they are imported, and no process with threads can be
# forked. Set where C code looks and Python code does not; a function's own setting wins.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

_DEFAULT_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp", "TZ": "UTC"}


class HandlerNotFound(Exception):
    """The bundle has no such function as the handler's name says."""


def install():
    forks.stop_recording()
    log.install()
    site.setquit()
    # The C library's generator keeps its state in the process and would go on alike in siblings.
    uuid._generate_time_safe = None
    uuid._GETTERS = [uuid._random_getnode]


def load(root, environment, module_name, file, export):
    """Returns the handler, how many arguments it takes (0 to 2), and whether it wants the body as bytes."""
    set_environment(environment)
    sys.path.insert(0, root)
    # Where packages are that were installed at deployment.
    sys.path.insert(1, os.path.join(root, "python_modules"))
    sys.path_importer_cache.clear()
    os.chdir(root)
    module = _import(module_name, file)
    handler = _find(module, export, os.path.relpath(file, root))
    app = apps.adapt(handler)
    return (handler, _argument_count(handler), False) if app is None else (app, 1, True)


def set_environment(pairs):
    os.environ.clear()
    os.environ.update({**_DEFAULT_ENVIRONMENT, **dict(pairs)})
    for name in _ONE_THREAD:
        if name not in os.environ:
            os.putenv(name, "1")
    time.tzset()


def _import(name, file):
    # A user's `json.py` must not be taken for the library's, which is loaded already.
    if name in sys.modules:
        return _import_file(name, file)
    return importlib.import_module(name)


def _import_file(name, file):
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _find(module, export, shown):
    found = module
    for part in export.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise HandlerNotFound(f"{shown} defines no `{export}`{_alternatives(module)}")
    if not callable(found):
        raise HandlerNotFound(f"`{export}` in {shown} is no function but of type {type(found).__name__}")
    return found


def _alternatives(module):
    names = [
        name
        for name, value in vars(module).items()
        if inspect.isroutine(value) and not name.startswith("_") and value.__module__ == module.__name__
    ]
    return f"; it defines {', '.join(names[:_NAMES_LISTED_MAX])}" if names else ""


def _argument_count(handler):
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return 2
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return 2
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return min(2, sum(parameter.kind in positional for parameter in parameters))


def blockers():
    """What user code left behind that would not survive a fork. Threads are told by `thread_names`."""
    return loop.blockers() + _sockets()


def thread_names():
    main = threading.main_thread()
    return [_describe_thread(thread) for thread in threading.enumerate() if thread is not main]


def _describe_thread(thread):
    target = getattr(thread, "_target", None)
    if target is None:
        return f'thread "{thread.name}"'
    return f'thread "{thread.name}" ({target.__module__}.{getattr(target, "__qualname__", target)})'


def _sockets():
    """Connections by their other end. The core names every open descriptor, but knows no addresses."""
    connections = [item for item in gc.get_objects() if isinstance(item, socket.socket) and item.fileno() != -1]
    peers = [_peer(connection) for connection in connections]
    return [f"a connection to {peer} opened at load" for peer in peers if peer]


def _peer(connection):
    try:
        peer = connection.getpeername()
    except OSError:
        return None
    # Only a network address is a pair; a pair of local sockets, as every event loop has, is of no interest.
    return ":".join(map(str, peer[:2])) if isinstance(peer, tuple) else None
