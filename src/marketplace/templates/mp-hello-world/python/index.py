import os


def handler(event, context):
    name = (event.get("body") or {}).get("name", "World")
    print(f"greeting {name}")
    return {
        "statusCode": 200,
        "body": {
            "message": f"{os.environ['GREETING']}, {name}!",
            "function": context.function_name,
            "version": context.function_version,
        },
    }
