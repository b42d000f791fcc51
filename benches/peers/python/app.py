"""The WSGI (gunicorn) and ASGI (uvicorn, granian) peers."""

BODY = b"hello\n"
HEADERS = [("content-type", "text/plain"), ("content-length", "6")]


def wsgi(environ, start_response):
    start_response("200 OK", HEADERS)
    return [BODY]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = [(name.encode(), value.encode()) for name, value in HEADERS]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
