"""Answers that go out in pieces: generators and all other iterators, as a return value or as `body`.

Knows nothing of how a piece is sent.
"""

import _zygo_native as native


def give(source):
    """Sends every piece; the caller waits as long as nobody takes them."""
    try:
        for piece in source:
            native.push(piece)
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


async def give_async(source):
    """The same for an asynchronous iterator."""
    try:
        async for piece in source:
            native.push(piece)
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
