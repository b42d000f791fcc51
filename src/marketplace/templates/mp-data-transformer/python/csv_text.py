"""CSV as in RFC 4180."""

import json

from problem import Problem, at


def parse_csv(text, delimiter, has_header):
    rows = list(records(text, delimiter))
    if not has_header:
        return [fields for fields, _ in rows]
    names = rows.pop(0)[0] if rows else []
    twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if twice is not None:
        fix = "give each column a name of its own, or send header=false"
        raise Problem(f'two columns are named "{twice}"', fix, 1, 1)
    for fields, line in rows:
        if len(fields) != len(names):
            fix = "put fields that contain the delimiter into quotes, or correct the delimiter"
            raise Problem(f"the row has {len(fields)} fields, the header {len(names)}", fix, line, 1)
    return [dict(zip(names, fields)) for fields, _ in rows]


def records(text, delimiter):
    position, line = (1 if text.startswith("\ufeff") else 0), 1
    ends = (delimiter, "\n", "\r\n")
    while position < len(text):
        fields, first = [], line
        while True:
            if text.startswith('"', position):
                start = position
                field, position = quoted(text, position)
                line += text.count("\n", start, position)
                if position < len(text) and not text.startswith(ends, position):
                    raise at(text, position, "there is text behind a closing quote", 'double quotes inside a field: ""')
            else:
                start = position
                while position < len(text) and not text.startswith(ends, position):
                    if text[position] == '"':
                        fix = 'put the field into quotes and double those inside: ""'
                        raise at(text, position, "a quote is in a field without quotes", fix)
                    position += 1
                field = text[start:position]
            fields.append(field)
            if not text.startswith(delimiter, position) or position >= len(text):
                break
            position += 1
        position += 2 if text.startswith("\r", position) else 1
        line += 1
        yield fields, first


def quoted(text, start):
    field, begin = "", start + 1
    while True:
        end = text.find('"', begin)
        if end < 0:
            raise at(text, start, "a quoted field has no end", "close it with a quote")
        field += text[begin:end]
        if not text.startswith('"', end + 1):
            return field, end + 1
        field += '"'
        begin = end + 2


def write_csv(value, delimiter, has_header):
    rows = rows_of(value)
    names = list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row))
    lines = [delimiter.join(cell(name, delimiter, "") for name in names)] if names and has_header else []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, (dict, list)) or isinstance(row, list) == bool(names):
            fix = "make all rows objects, or all of them lists"
            raise Problem(f"row {number} is not like the others", fix)
        pairs = enumerate(row, 1) if isinstance(row, list) else ((name, row.get(name)) for name in names)
        cells = [cell(one, delimiter, f"row {number}, field {name}") for name, one in pairs]
        # An empty line would be no row.
        lines.append('""' if cells == [""] else delimiter.join(cells))
    return "".join(f"{line}\r\n" for line in lines)


def rows_of(value):
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise Problem("CSV has rows, and the data is a single value", "send a list of objects, or of lists")
    inner = list(value.values())
    return rows_of(inner[0]) if len(inner) == 1 and isinstance(inner[0], (dict, list)) else [value]


def cell(value, delimiter, where):
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        kind = "a list" if isinstance(value, list) else "an object"
        raise Problem(f"{where} is {kind}", "CSV holds text, numbers and truth values: flatten it")
    text = value if isinstance(value, str) else json.dumps(value)
    if delimiter in text or any(one in text for one in '"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
