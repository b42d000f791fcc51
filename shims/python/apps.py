"""Whole applications as handlers: ASGI (FastAPI, Starlette, Django) and WSGI (Flask, Django), unchanged.

An application is told by the names of its parameters. Its lifespan begins with the instance's first event; it hears
nothing of the end, because instances end without notice. Knows nothing of the wire.
"""

import asyncio
import inspect
import io
import sys
import urllib.parse

from _zygo.event import body_bytes

_HTTP_VERSION = "1.1"

# Whether several threads call an application at once.
multithread = False


def adapt(found):
    """A handler that takes the event with its body as bytes, when `found` is an application; `None` when it is none."""
    names = _parameters(found)
    if names[-2:] == ["receive", "send"] and len(names) == 3:
        return _Asgi(found)
    if names[-1:] == ["start_response"] and len(names) == 2:
        return lambda event: _answer_wsgi(found, event)
    return None


def _parameters(found):
    try:
        return list(inspect.signature(found).parameters)
    except (TypeError, ValueError):
        return []


class _Request:
    """What all the shapes of an event say of the request."""

    def __init__(self, event):
        http = (event.get("requestContext") or {}).get("http") or {}
        self.method = event.get("method") or http.get("method") or "POST"
        raw_path = event.get("rawPath") or event.get("path") or "/"
        self.raw_path = raw_path
        self.path = urllib.parse.unquote(raw_path)
        self.query = _query(event)
        self.headers = {name.lower(): _joined(value) for name, value in (event.get("headers") or {}).items()}
        if event.get("cookies") and "cookie" not in self.headers:
            self.headers["cookie"] = "; ".join(event["cookies"])
        self.body = body_bytes(event)
        self.client = event.get("sourceIp") or http.get("sourceIp")
        self.scheme = self.headers.get("x-forwarded-proto", "http")
        host = urllib.parse.urlsplit("//" + self.headers.get("host", "localhost"))
        self.host = host.hostname or "localhost"
        self.port = _port(host) or (443 if self.scheme == "https" else 80)


def _query(event):
    if isinstance(event.get("rawQueryString"), str):
        return event["rawQueryString"]
    return urllib.parse.urlencode(event.get("query") or event.get("queryStringParameters") or {}, doseq=True)


def _joined(value):
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _port(host):
    try:
        return host.port
    except ValueError:
        return None


def _grouped(pairs):
    """Headers by name, all values of a name in a list, as an answer has them."""
    headers = {}
    for name, value in pairs:
        headers.setdefault(name, []).append(value)
    return headers


def _whole(headers, body):
    """Text where it is said to be text, so that it is readable wherever the answer is shown; `None` for nothing."""
    kinds = next((values[-1] for name, values in headers.items() if name.lower() == "content-type"), "").lower()
    if not body or not (kinds.startswith("text/") or "json" in kinds or "xml" in kinds or "javascript" in kinds):
        return body or None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


# ASGI


class _Asgi:
    def __init__(self, app):
        self._app = app
        self._state = {}
        self._starting = None

    async def __call__(self, event):
        await self._start()
        return await _Exchange(self._app, self._scope(_Request(event))).answer()

    async def _start(self):
        """The first request begins the application's life; others that come meanwhile wait for it too."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(_Lifespan.begin(self._app, self._state))
        starting = self._starting
        try:
            await asyncio.shield(starting)
        except Exception:
            # The next request tries again.
            if self._starting is starting:
                self._starting = None
            raise

    def _scope(self, request):
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": _HTTP_VERSION,
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path,
            "raw_path": request.raw_path.encode(),
            "query_string": request.query.encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in request.headers.items()],
            "client": (request.client, 0) if request.client else None,
            "server": (request.host, request.port),
            "state": self._state.copy(),
            "body": request.body,
        }


class _Lifespan:
    """The application's start, and the task that waits for the end that never comes."""

    @classmethod
    async def begin(cls, app, state):
        self = cls()
        self._sent = [{"type": "lifespan.startup"}]
        self._started = asyncio.Event()
        self._failure = None
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        self.task = asyncio.ensure_future(self._run(app, scope))
        await self._started.wait()
        if self._failure is not None:
            raise RuntimeError(f"the application did not start: {self._failure}")
        return self

    async def _run(self, app, scope):
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            # An application that knows no lifespan says so by any exception before it has started; one that fails says
            # so by a message.
            if self._started.is_set() and self._failure is None:
                raise
        finally:
            self._started.set()

    async def _receive(self):
        if self._sent:
            return self._sent.pop()
        await asyncio.Event().wait()

    async def _send(self, message):
        if message["type"] == "lifespan.startup.failed":
            self._failure = message.get("message") or "it gave no reason"
        self._started.set()


class _Exchange:
    """One request and its answer: the application runs in a task, and what it sends is taken from a queue of one."""

    def __init__(self, app, scope):
        self._app = app
        self._body = scope.pop("body")
        self._scope = scope
        self._sent = asyncio.Queue(1)
        self._answered = asyncio.Event()

    async def answer(self):
        task = asyncio.ensure_future(self._run())
        head = await self._next(task)
        if head is None or head["type"] != "http.response.start":
            raise RuntimeError("the application ended without an answer")
        first = await self._next(task)
        answer = {
            "statusCode": head["status"],
            "headers": _grouped((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.get("headers", ())),
        }
        if first is not None and first.get("more_body"):
            return {**answer, "body": self._pieces(first, task)}
        self._answered.set()
        # What an application does after its answer comes before the instance is frozen.
        await task
        return {**answer, "body": _whole(answer["headers"], bytes(first.get("body", b"")) if first else b"")}

    async def _run(self):
        try:
            await self._app(self._scope, self._receive, self._send)
        finally:
            await self._send(None)

    async def _send(self, message):
        # Nobody takes what comes after the end.
        if not self._answered.is_set():
            await self._sent.put(message)

    async def _next(self, task):
        message = await self._sent.get()
        if message is None:
            await task
        return message

    async def _pieces(self, message, task):
        while message is not None:
            if message.get("body"):
                yield bytes(message["body"])
            if not message.get("more_body"):
                break
            message = await self._next(task)
        self._answered.set()
        await task

    async def _receive(self):
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._answered.wait()
        return {"type": "http.disconnect"}


# WSGI


def _environ(request):
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # As bytes in a text, which PEP 3333 wants.
        "PATH_INFO": request.path.encode().decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": request.raw_path + ("?" + request.query if request.query else ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "REMOTE_ADDR": request.client or "",
        "SERVER_NAME": request.host,
        "SERVER_PORT": str(request.port),
        "SERVER_PROTOCOL": "HTTP/" + _HTTP_VERSION,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name not in ("content-type", "content-length"):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    return environ


def _answer_wsgi(app, event):
    head, written = [], []

    def start_response(status, headers, exc_info=None):
        head[:] = [int(status.split(None, 1)[0]), headers]
        return written.append

    result = app(_environ(_Request(event)), start_response)
    pieces = iter(result)
    # An application may name its status as late as with its first piece.
    first = next(pieces, b"")
    if not head:
        raise RuntimeError("the application ended without an answer")
    answer = {"statusCode": head[0], "headers": _grouped(head[1])}
    is_whole = isinstance(result, (list, tuple)) or any(name.lower() == "content-length" for name, _ in head[1])
    whole = _wsgi_pieces(result, [*written, first], pieces)
    return {**answer, "body": _whole(answer["headers"], b"".join(whole)) if is_whole else whole}


def _wsgi_pieces(result, begun, pieces):
    try:
        yield from (piece for piece in begun if piece)
        yield from (piece for piece in pieces if piece)
    finally:
        getattr(result, "close", lambda: None)()
