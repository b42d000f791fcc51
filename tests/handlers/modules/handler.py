import plain
from lib import math as ours
from lib.deep.greet import LANGUAGE, greet


def handler(event, context):
    from lib import lazy

    return {
        "number": ours.twice(21),
        "text": greet("you"),
        "language": LANGUAGE,
        "plain": plain.VALUE,
        "lazy": lazy.VALUE,
    }
