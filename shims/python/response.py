"""Names and helpers of the answer that are easier in Python. The conversion itself is native."""

import base64
import binascii


def decode_base64(text):
    """The bytes of a body whose answer says `isBase64Encoded`; raises `ValueError` when it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"isBase64Encoded is true but the body is no base64: {error}") from None
