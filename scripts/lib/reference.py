"""Writes docs/cli.md and docs/api.md: what the program says of its commands, and what the platform says of its API.

usage: reference.py ZYGO OPENAPI FOLDER      the program, a file with /openapi.json, and where the pages go
"""

import json
import pathlib
import re
import subprocess
import sys

WRITTEN = "<!-- written by scripts/docs -->"
METHODS = ["get", "post", "put", "delete", "patch"]


def main(zygo, openapi, folder):
    pages = {"cli.md": cli(zygo), "api.md": api(json.loads(pathlib.Path(openapi).read_text()))}
    for name, lines in pages.items():
        text = "\n".join(lines).rstrip() + "\n"
        (pathlib.Path(folder) / name).write_text(re.sub(r"\n{3,}", "\n\n", text))


# The command line


def cli(zygo):
    yield from [WRITTEN, "", "# Command line", ""]
    yield from ["What `zygo … --help` says of each command. `zygo man` prints the same as a manual page.", ""]
    whole = said(zygo, [])
    yield from fence(whole)
    for path in commands(zygo, []):
        yield from [f"## zygo {' '.join(path)}", ""]
        yield from fence(without_global(said(zygo, path)))


def commands(zygo, path):
    """All commands below one, each before its own."""
    for name in names(said(zygo, path)):
        yield [*path, name]
        yield from commands(zygo, [*path, name])


def names(help_text):
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", help_text, re.MULTILINE)
    found = re.findall(r"^  (\S+)", listed[1], re.MULTILINE) if listed else []
    return [name for name in found if name != "help"]


def said(zygo, path):
    # Without variables, whose values the program would show.
    command = subprocess.run([zygo, *path, "--help"], env={"NO_COLOR": "1"}, capture_output=True, text=True, check=True)
    return command.stdout


def without_global(help_text):
    return re.sub(r"\nGlobal options:\n(?:  .*\n)+", "", help_text)


def fence(text):
    return ["```text", *text.rstrip().split("\n"), "```", ""]


# The API


def api(document):
    yield from [WRITTEN, "", "# API", ""]
    yield from ["What `/openapi.json` says. A running platform shows the same at `/docs`, where it can be tried out.", ""]
    yield from ["Every refusal is `application/problem+json` with a `code`: see [errors](errors.md).", ""]
    operations = [
        (path, method, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item
    ]
    for tag in document["tags"]:
        yield from [f"## {tag['name'].capitalize()}", "", f"{tag['description']}.", ""]
        for path, method, operation in operations:
            if tag["name"] in operation["tags"]:
                yield from describe(path, method, operation)
    yield from ["## Refusals", "", "| status | |", "|---|---|"]
    refusals = [(status, row) for status, row in statuses(document)]
    yield from [f"| {status} | {cell(text)} |" for status, text in sorted(refusals)]
    yield from ["", "## Types", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from [f"### Type {name}", "", *paragraphs(schema), *members(schema), ""]


def describe(path, method, operation):
    yield from [f"### {method.upper()} {path}", "", f"{operation['summary'].rstrip('.')}.", ""]
    yield from paragraphs(operation)
    parameters = operation.get("parameters", [])
    if parameters:
        yield from ["| parameter | in | type | |", "|---|---|---|---|"]
        for one in parameters:
            needed = "" if one.get("required") else ", optional"
            kind = type_of(one["schema"])
            yield f"| `{one['name']}` | {one['in']} | {kind}{needed} | {cell(one.get('description', ''))} |"
        yield ""
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        yield from ["Body: " + contents(body) + ".", ""]
    yield from ["| status | body |", "|---|---|"]
    for status, response in operation["responses"].items():
        if "$ref" not in response:
            yield f"| {status}: {cell(response['description']).rstrip('.')} | {contents(response.get('content', {})) or 'none'} |"
    refused = [status for status, response in operation["responses"].items() if "$ref" in response]
    yield from ["", "Refused with " + ", ".join(f"[{status}](#refusals)" for status in refused) + "." if refused else "", ""]


def contents(content):
    return ", ".join(f"`{kind}` {type_of(value.get('schema', {}))}".strip() for kind, value in content.items())


def statuses(document):
    """Each status that something is refused with, and what it means."""
    seen = {}
    for item in document["paths"].values():
        for method in METHODS:
            for status, response in item.get(method, {}).get("responses", {}).items():
                if "$ref" in response:
                    seen[status] = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]["description"]
    return seen.items()


def members(schema):
    """A table of what an object holds; a line for what is none."""
    for part in schema.get("allOf", []):
        yield from ([f"All of {type_of(part)}, and:", ""] if "$ref" in part else members(part))
    if "properties" not in schema:
        if "allOf" not in schema:
            yield from [f"{type_of(schema)}.", ""]
        return
    yield from ["| member | type | |", "|---|---|---|"]
    for name, value in schema["properties"].items():
        optional = "" if name in schema.get("required", []) else ", optional"
        yield f"| `{name}` | {type_of(value)}{optional} | {cell(value.get('description', ''))} |"
    yield ""


def type_of(schema):
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#type-{name.lower()})"
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            kinds = [type_of(one) for one in schema[word] if one.get("type") != "null"]
            return (" and " if word == "allOf" else " or ").join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kinds = schema.get("type", "any")
    kinds = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
    return " or ".join(plain_type(kind, schema) for kind in kinds) + bounds(schema)


def plain_type(kind, schema):
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict) and values:
        return f"object of {type_of(values)}"
    if kind == "string" and schema.get("format") in ("date-time", "byte", "binary"):
        return {"date-time": "time", "byte": "base64", "binary": "bytes"}[schema["format"]]
    return kind


def bounds(schema):
    least, most = (schema.get(name) for name in ("minimum", "maximum"))
    # The bounds of the number's own kind say nothing.
    most = None if most in (2**31 - 1, 2**32 - 1) else most
    if least not in (None, 0) and most is not None:
        return f" from {least} to {most}"
    if most is not None:
        return f" up to {most}"
    return f" from {least}" if least not in (None, 0) else ""


def paragraphs(of):
    text = of.get("description", "").strip()
    return [*text.split("\n"), ""] if text else []


def cell(text):
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


main(*sys.argv[1:])
