def throws(event):
    raise ValueError("the secret reason")


def echo(event):
    body = event.get("body")
    return {**event, "body": list(body) if isinstance(body, bytes) else body}


ANSWERS = {
    "/echo": echo,
    "/made": lambda _: {"statusCode": 201, "headers": {"X-One": "1", "x-list": ["a", "b"]}, "cookies": ["a=1", "b=2; Secure"], "body": {"made": True}},
    "/text": lambda _: {"statusCode": 200, "body": "just text"},
    "/html": lambda _: {"statusCode": 200, "headers": {"content-type": "text/html"}, "body": "<p>"},
    "/bytes": lambda _: {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True, "body": "AAH/"},
    "/list": lambda _: [1, "two"],
    "/nothing": lambda _: None,
    "/204": lambda _: {"statusCode": 204, "body": "left out"},
    "/304": lambda _: {"statusCode": 304, "headers": {"etag": '"t"'}},
    "/split": lambda _: {"statusCode": 200, "headers": {"x-a": "1\r\nset-cookie: evil=1"}, "body": "x"},
    "/chunked": lambda _: {"statusCode": 200, "headers": {"Transfer-Encoding": "chunked"}, "body": "x"},
    "/length": lambda _: {"statusCode": 200, "headers": {"Content-Length": "99"}, "body": "x"},
    "/cookie": lambda _: {"statusCode": 200, "headers": {"Set-Cookie": "a=1; Domain=example.org"}, "body": "x"},
    "/many": lambda _: {"statusCode": 200, "headers": {"x-many": ["1"] * 1_000}, "body": "x"},
    "/long": lambda _: {"statusCode": 200, "headers": {"x-long": "a" * 100_000}, "body": "x"},
    "/early": lambda _: {"statusCode": 101, "body": "x"},
    "/throws": throws,
    "/big": lambda _: {"statusCode": 200, "headers": {"etag": '"big"'}, "body": "Zygo " * 10_000},
    "/noise": lambda _: {"statusCode": 200, "headers": {"content-type": "image/png"}, "body": b"x" * 5_000},
}


def handler(event, context):
    return ANSWERS[event.get("path") or event["rawPath"]](event)
