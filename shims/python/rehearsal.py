"""Handlers to rehearse with before there are any. See `warm_up.rs`."""

import json

from _zygo import loop


def handler(event, context):
    context.get_remaining_time_in_millis()
    body = json.dumps({"hello": event["body"]["name"], "list": [1, 2.5, None, True]})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}


async def async_handler(event, context):
    return handler(event, context)


def end():
    """Leaves no event loop behind."""
    loop.close()
