import base64
import json
import os

from csv_text import parse_csv, write_csv
from problem import Problem
from xml_text import parse_xml, write_xml

FORMATS = ("json", "csv", "xml")
TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "xml": "application/xml"}


def parse_json(text):
    def constant(name):
        raise Problem(f"{name} is no JSON", "send null, or a text")

    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=constant)
    except json.JSONDecodeError as error:
        fix = "correct the JSON there: quotes around names and texts, commas between, none at the end"
        raise Problem(error.msg, fix, error.lineno, error.colno) from None


def to_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def format_of(name, value):
    if value not in FORMATS:
        raise Problem(f"`{name}` must be json, csv or xml", f"send {name}=json, {name}=csv or {name}=xml")
    return value


def bounded(what, text):
    length, most = len(text.encode()), int(os.environ["MAX_BYTES"])
    if length > most:
        fix = "send less at a time, or raise MAX_BYTES"
        raise Problem(f"{what} has {length} bytes, and {most} are the most", fix, status=413)


def transform(options):
    from_, to = format_of("from", options.get("from")), format_of("to", options.get("to", "json"))
    delimiter = options.get("delimiter", os.environ["DELIMITER"])
    delimiter = "\t" if delimiter == "tab" else delimiter
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        rule = "`delimiter` must be one character, and no quote or line end"
        raise Problem(rule, "send for instance delimiter=; or delimiter=tab")
    header = options.get("header", True)
    if header not in (True, False, "true", "false"):
        raise Problem("`header` must be true or false", "send header=false where the first line is data")
    has_header = header in (True, "true")
    data = options.get("data", "")
    if not isinstance(data, str) and from_ != "json":
        raise Problem("`data` must be text", f"send the {from_} as a string")
    text = data if isinstance(data, str) else to_json(data)
    bounded("the input", text)
    if from_ == "json":
        value = parse_json(text)
    else:
        value = parse_csv(text, delimiter, has_header) if from_ == "csv" else parse_xml(text)
    if to == "json":
        written = to_json(value)
    elif to == "csv":
        written = write_csv(value, delimiter, has_header)
    else:
        item = options.get("item", os.environ["ITEM_NAME"])
        written = write_xml(value, options.get("root"), os.environ["ROOT_NAME"], item)
    bounded("the output", written)
    return written, to


def sent(event):
    data = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            data = base64.b64decode(data).decode()
        except UnicodeDecodeError:
            raise Problem("the body is not UTF-8", "send it in UTF-8") from None
    kind = event["headers"].get("content-type", "").split(";")[0]
    told = {"from": name for name in FORMATS if kind.endswith(name)}
    return {**told, **event.get("queryStringParameters", {}), "data": data}


def handler(event, context):
    is_http = "requestContext" in event
    try:
        if not is_http and not isinstance(event.get("body"), dict):
            raise Problem("the body must be an object", "send {from, to, data}")
        text, to = transform(sent(event) if is_http else event["body"])
    except Problem as error:
        known = {"error": str(error), "line": error.line, "column": error.column, "fix": error.fix}
        return {"statusCode": error.status, "body": {key: value for key, value in known.items() if value is not None}}
    if is_http:
        return {"statusCode": 200, "headers": {"content-type": TYPES[to]}, "body": text}
    return {"statusCode": 200, "body": {"data": json.loads(text) if to == "json" else text}}
