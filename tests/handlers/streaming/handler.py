import asyncio
import io
import time

PIECE = 64 * 1024
MIB = 1024 * 1024


def texts():
    yield "a"
    yield ""
    yield "bé"


async def later():
    for text in texts():
        await asyncio.sleep(0.001)
        yield text


class Later:
    """An asynchronous iterator that is no generator."""

    def __init__(self):
        self.left = ["bé", "a"]

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop()


FORMS = {
    "generator": texts,
    "asyncGenerator": later,
    "asyncIterator": Later,
    "iterator": lambda: iter(["a", "bé"]),
    "map": lambda: map(str, ["a", "bé"]),
    "file": lambda: io.StringIO("abé"),
    "body": lambda: {"statusCode": 200, "body": texts()},
    "bodyAsync": lambda: {"statusCode": 200, "body": later()},
}


def pieces(body):
    match body["do"]:
        case "bytes":
            yield bytes([0, 255])
            yield memoryview(bytearray([1, 0]))
        case "large":
            for _ in range(body["mib"] * MIB // PIECE):
                yield b"a" * PIECE
        case "endless":
            number = 0
            while True:
                number += 1
                print(f"piece {number}")
                yield "x" * MIB
        case "fails":
            if body["after"]:
                yield "a"
            raise TypeError("midway")
        case "wrong":
            if body["after"]:
                yield "a"
            yield 5
        case "lines":
            print("one")
            yield "a"
            print("two")
            yield "b"
            print("three")
        case "hang":
            yield "first"
            time.sleep(1e6)


def handler(event, context):
    body = event["body"]
    if "form" in body:
        return FORMS[body["form"]]()
    match body["do"]:
        case "head":
            return {
                "statusCode": 201,
                "headers": {
                    "X-Own": "yes",
                    "content-type": "text/event-stream",
                    "content-length": "3",
                },
                "cookies": ["a=1", "b=2"],
                "body": texts(),
            }
        case "wrongHead":
            return {"statusCode": 200, "headers": {"x-own": "a\nb"}, "body": pieces({"do": "hang"})}
        case "whole":
            return {"statusCode": 202, "headers": {"x-own": "yes"}, "body": {"whole": True}}
        case _:
            return pieces(body)
