import os

AT_LOAD = os.environ.get("API_KEY")


def handler(event, context):
    return {"atLoad": AT_LOAD, "environment": dict(os.environ)}
