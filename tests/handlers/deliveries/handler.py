"""Fails as often as it is told to, and writes what it was given."""

import json


def handler(event, context):
    given = event.get("body") or event.get("data") or {}
    attempt = event["delivery"]["attempt"]
    if attempt <= given.get("failures", 0):
        raise Exception(f"not yet: attempt {attempt}")
    written = {
        "given": given,
        "attempt": attempt,
        "eventType": event.get("eventType"),
        "scheduled": event.get("scheduledTime"),
    }
    print("given " + json.dumps(written))
    return {"statusCode": 201, "body": {"handled": given.get("number")}}
