"""The event: decoders that skip what `json.loads` does around its scanner, and the body as it was sent. Knows nothing of the wire."""

import base64
import json.decoder
import json.scanner

# The decoder's own scanner: it takes a text and a position, and returns the value and the position after it. The
# caller has validated the text, so neither white space after the value nor a second value has to be looked for.
scan = json.scanner.c_make_scanner(json.decoder.JSONDecoder())


def body_bytes(event):
    """The body as it was sent, empty when there is none; `None` when it was parsed and is not to be had any more."""
    body = event.get("body")
    if body is None:
        return b""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, (bytes, bytearray)):
        return None
    return base64.b64decode(body) if event.get("isBase64Encoded") else bytes(body)
