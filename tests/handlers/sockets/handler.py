import asyncio
import os

VERSION = "one"


async def handler(event, context):
    kind, data = event.get("event"), event.get("data")
    if kind == "connect":
        return connect(event)
    if kind == "message":
        return await message(event, data)
    if kind == "disconnect" and "SILENT" in os.environ:
        return None
    if kind == "disconnect":
        return {"pushes": [{"connectionId": "*", "data": f"left {data['connectionId']} {data['code']}"}]}
    return {"pushes": [{"connectionId": event["body"]["to"], "data": event["body"]["text"]}]}


def connect(event):
    refused = event["query"].get("refuse")
    if refused == "throw":
        raise ValueError("not today")
    if refused:
        return {"statusCode": int(refused), "body": "not you"}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat"}, "body": "nobody is there yet"}


async def message(event, data):
    if data.get("isBase64Encoded"):
        return {"statusCode": 200, "body": event["body"], "isBase64Encoded": True}
    word, *rest = event["body"].split(" ")
    if word == "version":
        return VERSION
    if word == "event":
        is_same = event["body"] == data["message"]
        return {"statusCode": 200, "body": {"data": data, "isSame": is_same, "context": event["requestContext"]}}
    if word == "long":
        is_absent = str("message" not in data).lower()
        return f"{len(event['body'])} {is_absent} {str(data.get('messageInBody')).lower()}"
    if word == "slow":
        await asyncio.sleep(0.1)
        return "slow"
    if word == "push":
        return {"pushes": [{"connectionId": rest[0], "data": " ".join(rest[1:])}], "body": "pushed"}
    if word == "refuse":
        return {"statusCode": 418, "body": "a teapot"}
    if word == "throw":
        raise ValueError("a secret")
    if word == "nothing":
        return None
    return {"statusCode": 200, "body": data["message"]}
