"""Fails unless a text came whole, in whichever place it came."""


def handler(event, context):
    given = event.get("body") or event["data"]
    if len(given["text"]) != given["length"]:
        raise Exception(f"{len(given['text'])} of {given['length']} letters came")
    return {"statusCode": 200, "body": given["length"]}
