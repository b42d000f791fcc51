import json
import os
from urllib.parse import parse_qsl

import zygo


def process(kind, delivery, payload):
    print(kind, delivery or "")


def read(headers, text):
    """Where each sender says what happened, and which delivery it is."""
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        payload = dict(parse_qsl(text, keep_blank_values=True))
        payload = json.loads(payload["payload"]) if "payload" in payload else payload
    else:
        payload = json.loads(text)
    inner = payload.get("event")
    inner = inner if isinstance(inner, dict) else {}
    kind = headers.get("x-github-event") or inner.get("type") or payload.get("type") or "unknown"
    delivery = headers.get("x-github-delivery") or headers.get("webhook-id") or payload.get("event_id")
    return kind, delivery or payload.get("id"), payload


def handler(event, context):
    secrets = os.environ["WEBHOOK_SECRET"].split(" ")
    try:
        body = zygo.verify_webhook(event, scheme=os.environ["WEBHOOK_SCHEME"], secret=secrets)
    except zygo.WebhookError as error:
        print(f"refused: {error}")
        return {"statusCode": 401, "body": {"error": "Invalid signature", "code": error.code}}
    try:
        kind, delivery, payload = read(event["headers"], body.decode())
    except (ValueError, AttributeError):
        return {"statusCode": 400, "body": {"error": "The body is neither JSON nor a form"}}
    # Slack asks once whether anybody is here.
    if kind == "url_verification":
        return {"statusCode": 200, "body": {"challenge": payload.get("challenge")}}
    process(kind, delivery, payload)
    return {"statusCode": 200, "body": {"message": "Webhook processed", "kind": kind}}
