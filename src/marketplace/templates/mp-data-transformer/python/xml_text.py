"""XML: elements, attributes, text. No DOCTYPE, so no entities of a document's own."""

import json
import re
from xml.parsers import expat

from problem import DEPTH_MAX, Problem, at, too_deep

NAME = re.compile(r"[^\W\d][\w:.\-·]*|:[\w:.\-·]*")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
FIXES = {
    expat.errors.XML_ERROR_UNDEFINED_ENTITY: "write &amp; for a plain &",
    expat.errors.XML_ERROR_TAG_MISMATCH: "close the elements in the order in which they began",
    expat.errors.XML_ERROR_NO_ELEMENTS: "close every element, and send a whole document",
    expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: "put everything into one element",
    expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE: "remove one",
    expat.errors.XML_ERROR_INVALID_TOKEN: "write &lt; for a plain <, &amp; for a plain &, and attributes as name=\"value\"",
}


class Element:
    def __init__(self, name, attributes):
        self.name, self.text = name, []
        self.value = {f"@{key}": [value] for key, value in attributes.items()}

    def finished(self):
        text = "".join(self.text)
        if not self.value:
            return text
        value = {name: all_[0] if len(all_) == 1 else all_ for name, all_ in self.value.items()}
        return {**value, "#text": text.strip()} if text.strip() else value


def parse_xml(text):
    text = text.removeprefix("\ufeff")
    found = FORBIDDEN.search(text)
    if found:
        raise at(text, found.start(), "a character is not allowed in XML", "remove it")
    opened, root = [], []

    def start(name, attributes):
        if len(opened) >= DEPTH_MAX:
            raise too_deep()
        opened.append(Element(name, attributes))

    def end(name):
        element = opened.pop()
        if opened:
            opened[-1].value.setdefault(name, []).append(element.finished())
        else:
            root.append(element)

    def doctype(*_):
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        fix = "remove it, and write entities out: they could read files or fill the memory"
        raise Problem("a DOCTYPE is not taken", fix, line, column)

    # What the document says of its encoding is past: this is text already.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda data: opened[-1].text.append(data)
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        message = expat.errors.messages[error.code]
        raise Problem(message, FIXES.get(message, "correct the document there"), error.lineno, error.offset + 1) from None
    return {root[0].name: root[0].finished()}


def write_xml(value, root, root_name, item):
    name = root_name if root is None else root
    if root is None and isinstance(value, dict) and len(value) == 1:
        (key, only), = value.items()
        if not isinstance(only, list) and not key.startswith(("@", "#")):
            name, value = key, only
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{element(name, value, item, 1)}\n'


def element(name, value, item, depth):
    if depth > DEPTH_MAX:
        raise too_deep()
    if not NAME.fullmatch(name):
        fix = "rename it: letters, digits, _, - and ., with a letter or _ first"
        raise Problem(f'"{name}" cannot be the name of an element', fix)
    if isinstance(value, list):
        value = {item: value}
    if value is None or value == "":
        return f"<{name}/>"
    if not isinstance(value, dict):
        return f"<{name}>{escape(name, value)}</{name}>"
    attributes, inner = "", ""
    for key, one in value.items():
        if key == "#text":
            inner += escape(name, one)
        elif key.startswith("@"):
            if not NAME.fullmatch(key[1:]):
                raise Problem(f'"{key}" cannot be the name of an attribute', "rename it")
            attributes += f' {key[1:]}="{escape(key, one)}"'
        else:
            for each in one if isinstance(one, list) else [one]:
                inner += element(key, each, item, depth + 1)
    return f"<{name}{attributes}>{inner}</{name}>" if inner else f"<{name}{attributes}/>"


def escape(name, value):
    if isinstance(value, (dict, list)):
        raise Problem(f'"{name}" is no text', "attributes and #text are text, numbers or truth values")
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    if FORBIDDEN.search(text):
        raise Problem(f'"{name}" has a character that XML cannot hold', "remove it, or encode the value in base64")
    special = r'[&<>"\t\n\r]' if name.startswith("@") else r"[&<>\r]"
    return re.sub(special, lambda found: ESCAPES[found.group()], text)
