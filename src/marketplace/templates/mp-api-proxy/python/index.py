import base64
import http.client
import json
import os
import re
import socket
import ssl
import time
from urllib.parse import unquote, urlsplit

BASE = urlsplit(os.environ["UPSTREAM_URL"])
ROOT = BASE.path.rstrip("/")
METHODS = [method.strip() for method in os.environ["METHODS"].upper().split(",")]
TIMEOUT_MS = int(os.environ["TIMEOUT_MS"])
BYTES_MAX = int(os.environ["MAX_BYTES"])
AUTH_HEADER = os.environ["AUTH_HEADER"].lower()

# Those of one connection alone, and those whose values are made anew.
ONE_CONNECTION = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect", "host", "content-length",
}
# Callers say these to the platform, not to the API.
OURS = {"authorization", "x-api-key", "cookie", "forwarded", "accept-encoding", AUTH_HEADER}
# Cookies for another host.
THEIRS = {"set-cookie"}


class Refusal(Exception):
    def __init__(self, status, code, message, headers=None):
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


def passed(pairs, without):
    pairs = [(name.lower(), value) for name, value in pairs]
    named = {part.strip().lower() for name, value in pairs if name == "connection" for part in value.split(",")}
    dropped = ONE_CONNECTION | named | without
    return [(name, value) for name, value in pairs if name not in dropped and not name.startswith("x-forwarded-")]


def target(path, query):
    """A path below the API's own. What it may become by decoding counts, too."""

    def refused(why):
        return Refusal(400, "bad_path", f"The path {why}")

    if not re.fullmatch(r"/[\x21-\x7e]*", path):
        raise refused("must begin with / and be ASCII, with anything else percent-encoded")
    if not re.fullmatch(r"[\x21-\x7e]*", query) or "#" in query:
        raise Refusal(400, "bad_query", "The query must be ASCII, with anything else percent-encoded")
    plain = path
    for _ in range(4):
        plain = unquote(plain, "latin-1")
    if re.search(r"[\\\x00-\x1f\x7f?#]", plain):
        raise refused("has a character that it must not have")
    if path.startswith("//") or any(part in (".", "..") for part in plain.split("/")):
        raise refused("leads out of the API")
    return ROOT + path + (f"?{query}" if query else "")


def is_header(name, value):
    is_name = re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name)
    return is_name and isinstance(value, str) and re.fullmatch(r"[\t\x20-\x7e]*", value)


def read(event):
    """Of a request, or as the body of an invoke call describes one."""
    if "requestContext" in event:
        body = event.get("body") or ""
        body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        method = event["requestContext"]["http"]["method"]
        return method, event["rawPath"], event["rawQueryString"], event["headers"], body
    sent = {"method": "GET", "path": "/", "query": "", "headers": {}, "body": "", **(event.get("body") or {})}
    texts = [sent["method"], sent["path"], sent["query"]]
    headers = sent["headers"]
    are_headers = isinstance(headers, dict) and all(is_header(*pair) for pair in headers.items())
    if not are_headers or not all(isinstance(text, str) for text in texts):
        rule = "Send {method, path, query, headers, body}, with texts for the first three, and texts without line ends as headers"
        raise Refusal(400, "bad_request", rule)
    body = sent["body"] if isinstance(sent["body"], str) else json.dumps(sent["body"])
    return sent["method"].upper(), sent["path"], sent["query"], headers, body.encode()


def connect():
    timeout = TIMEOUT_MS / 1000
    if BASE.scheme == "https":
        return http.client.HTTPSConnection(BASE.hostname, BASE.port, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(BASE.hostname, BASE.port, timeout=timeout)


def limited(connection, response, deadline):
    body = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock:
            connection.sock.settimeout(left)
        piece = response.read1(65536)
        body += piece
        if len(body) > BYTES_MAX:
            raise Refusal(502, "upstream_too_long", f"The API answered with more than {BYTES_MAX} bytes")
        if not piece:
            return bytes(body)


def exchange(method, path, query, headers, body):
    at = target(path, query)
    headers = dict(passed(headers.items(), OURS))
    headers["accept-encoding"] = "identity"
    if os.environ.get("AUTH_VALUE"):
        headers[AUTH_HEADER] = os.environ["AUTH_VALUE"]
    body = None if method in ("GET", "HEAD") or not body else body
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    connection = connect()
    try:
        connection.request(method, at, body, headers)
        # Not until now is the socket known, so that nothing that follows can keep it longer than the deadline.
        held = connection.sock
        response = connection.getresponse()
        connection.sock = held
        return response, limited(connection, response, deadline)
    except (TimeoutError, socket.timeout) as error:
        print(f"{method} {at}: {error!r}")
        raise Refusal(504, "upstream_timeout", f"The API did not answer within {TIMEOUT_MS} ms") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"{method} {at}: {error!r}")
        raise Refusal(502, "upstream_failed", "The API cannot be reached, or its answer cannot be read") from None
    finally:
        connection.close()


def handler(event, context):
    is_http = "requestContext" in event
    try:
        method, path, query, headers, body = read(event)
        if method not in METHODS:
            names = ", ".join(METHODS)
            raise Refusal(405, "method_not_allowed", f"Only {names} are let through", {"allow": names})
        if len(body) > BYTES_MAX:
            raise Refusal(413, "body_too_long", f"A body has {BYTES_MAX} bytes at most")
        response, body = exchange(method, path, query, headers, body)
        headers = {}
        for name, value in passed(response.getheaders(), THEIRS):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        answer = {"statusCode": response.status, "headers": headers}
        if is_http:
            return {**answer, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        return {"statusCode": 200, "body": {**answer, "body": body.decode(errors="replace")}}
    except Refusal as error:
        return {"statusCode": error.status, "headers": error.headers, "body": {"error": str(error), "code": error.code}}
