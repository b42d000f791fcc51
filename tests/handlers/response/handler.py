import json

ANSWERS = {
    "structured": lambda: {"statusCode": 201, "headers": {"X-One": "1", "x-list": ["a", "b"], "x-number": 7}, "body": {"made": True}},
    "cookies": lambda: {"statusCode": 200, "cookies": ["a=1", "b=2; Secure"], "multiValueHeaders": {"x-many": ["m", "n"]}, "body": "t"},
    "text": lambda: {"statusCode": 404, "body": "not here"},
    "jsonText": lambda: {"statusCode": 200, "body": json.dumps({"a": 1}, separators=(",", ":"))},
    "bodiless": lambda: {"statusCode": 204},
    "base64": lambda: {"statusCode": 200, "isBase64Encoded": True, "body": "AAH/"},
    "badBase64": lambda: {"statusCode": 200, "isBase64Encoded": True, "body": "!!"},
    "bytes": lambda: {"statusCode": 200, "body": bytes([1, 2, 255])},
    "nothing": lambda: None,
    "plainText": lambda: "just text",
    "plainList": lambda: [1, "two", None],
    "plainNumber": lambda: 4.5,
    "plainBytes": lambda: bytearray([0, 128]),
    "unstructured": lambda: {"status": 500, "body": "no statusCode"},
    "textStatus": lambda: {"statusCode": "abc"},
    "wideStatus": lambda: {"statusCode": 999},
    "fractionStatus": lambda: {"statusCode": 200.5},
}


def handler(event, context):
    return ANSWERS[event["body"]]()
