"""What schemathesis does before it sends a request."""

import schemathesis


@schemathesis.hook
def map_body(context, body):
    """JSON Schema calls 1.0 an integer, and schemathesis writes some that way. No client does, and serde takes none."""
    return whole(body)


def whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    return value
