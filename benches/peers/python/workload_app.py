"""A bare WSGI application with the handler in the file HANDLER."""

import json

from workload_handler import handler


def wsgi(environ, start_response):
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("content-length", "6")])
        return [b"ready\n"]
    asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    body = handler({"body": asked}, None)["body"].encode()
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
    return [body]
