"""Renders a page with a table: f-strings, escaping by the standard library."""

from html import escape


def randoms(state):
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state >> 8


def row(index, random):
    cents = next(random) % 100000
    name = f'item <{next(random) % 1000}> & "{index}"'
    return f"<tr><td>{index}</td><td>{escape(name)}</td><td>{cents // 100}.{cents % 100:02d}</td></tr>"


def page(title, rows):
    lines = "\n".join(rows)
    return f"""<!doctype html>
<html><head><title>{escape(title)}</title></head>
<body><h1>{escape(title)}</h1>
<table>
{lines}
</table></body></html>
"""


def handler(event, context):
    asked = event["body"]
    random = randoms(asked["seed"])
    body = page(asked["title"], [row(index, random) for index in range(asked["rows"])])
    return {"statusCode": 200, "headers": {"content-type": "text/html; charset=utf-8"}, "body": body}
