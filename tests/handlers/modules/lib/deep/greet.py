from ..math import twice

LANGUAGE = "en"


def greet(name):
    return f"hello {name} {twice(1)}"
