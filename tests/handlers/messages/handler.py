"""Fails as often as the message asks for, and writes what it was given."""

import json


def handler(event, context):
    data = event["data"]
    failures = data.get("failures", 0) if isinstance(data, dict) else 0
    attempt = event["delivery"]["attempt"]
    if attempt <= failures:
        raise Exception(f"not yet: attempt {attempt}")
    print("given " + json.dumps(event))
    return {"statusCode": 200, "body": {"attempt": attempt}}
