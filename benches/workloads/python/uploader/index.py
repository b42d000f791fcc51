"""Sends data that is made by seed to an HTTP server, with urllib, and passes on what that says of it."""

import json
import urllib.request

BLOCK = 1024


def data(length, state):
    block = bytearray()
    for _ in range(BLOCK):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        block.append(state >> 24)
    return bytes(block) * (length // BLOCK)


def handler(event, context):
    asked = event["body"]
    headers = {"content-type": "application/octet-stream"}
    request = urllib.request.Request(asked["url"], data(asked["bytes"], asked["seed"]), headers)
    with urllib.request.urlopen(request) as response:
        told = response.read().decode()
    return {"statusCode": 200, "body": json.dumps({"bytes": asked["bytes"], "sha256": told})}
