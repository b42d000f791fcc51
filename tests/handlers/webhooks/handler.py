import zygo


def handler(event, context):
    options = event["body"]
    sent = options.pop("event")
    if "bytes" in options:
        sent["body"] = bytes(options.pop("bytes"))
    try:
        return {"verified": zygo.verify_webhook(sent, **options).decode()}
    except zygo.WebhookError as error:
        return {"code": error.code, "message": str(error)}
    except ValueError as error:
        return {"code": "usage", "message": str(error)}
