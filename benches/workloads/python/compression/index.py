"""Compresses a text with gzip and looks whether it comes out again: the interpreter's zlib."""

import hashlib
import json
import zlib

GZIP = 31


def handler(event, context):
    asked = event["body"]
    plain = (asked["text"] * asked["copies"]).encode()
    compressor = zlib.compressobj(6, zlib.DEFLATED, GZIP)
    compressed = compressor.compress(plain) + compressor.flush()
    again = zlib.decompress(compressed, GZIP)
    sha256 = hashlib.sha256(again).hexdigest()
    answer = {"plain": len(plain), "compressed": len(compressed), "sha256": sha256}
    return {"statusCode": 200, "body": json.dumps(answer)}
