"""Whether a webhook came from whom it says. Seen by users as `zygo.verify_webhook` and `zygo.WebhookError`.

    body = zygo.verify_webhook(event, scheme="github", secret=os.environ["WEBHOOK_SECRET"])

Signatures cover the body's very bytes, so the trigger must not parse it: `eventFormat: "lambda-v2"`.
"""

import base64
import binascii
import hmac
import time

from _zygo.event import body_bytes

_TOLERANCE_S = 300


class WebhookError(Exception):
    """A webhook that is not to be believed; `code` says why: header_missing, header_malformed, body_parsed, expired, mismatch."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def _hex(text):
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _base64(text):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _github(header, body):
    algorithm, _, digest = header("x-hub-signature-256").partition("=")
    return body, None, [_hex(digest)] if algorithm == "sha256" else []


def _stripe(header, body):
    pairs = [part.strip().partition("=")[::2] for part in header("stripe-signature").split(",")]
    times = [value for name, value in pairs if name == "t"]
    signed_at = times[0] if times else ""
    return signed_at.encode() + b"." + body, signed_at, [_hex(value) for name, value in pairs if name == "v1"]


def _slack(header, body):
    signed_at = header("x-slack-request-timestamp")
    version, _, digest = header("x-slack-signature").partition("=")
    return b"v0:" + signed_at.encode() + b":" + body, signed_at, [_hex(digest)] if version == "v0" else []


def _standard(header, body):
    signed_at = header("webhook-timestamp")
    pairs = [part.partition(",")[::2] for part in header("webhook-signature").split()]
    signed = f"{header('webhook-id')}.{signed_at}.".encode() + body
    return signed, signed_at, [_base64(value) for version, value in pairs if version == "v1"]


_SCHEMES = {"github": _github, "slack": _slack, "standard": _standard, "stripe": _stripe}


def _key(scheme, secret):
    if isinstance(secret, bytes):
        return secret
    if not isinstance(secret, str) or not secret:
        raise ValueError("secret: a text that is not empty is needed; is the function's secret set?")
    if scheme == "standard":
        key = _base64(secret.removeprefix("whsec_"))
        if not key:
            raise ValueError("secret: that of the scheme standard is base64, with or without whsec_ before it")
        return key
    return secret.encode()


def _raw_body(event):
    body = body_bytes(event)
    if body is not None:
        return body
    raise WebhookError(
        "body_parsed",
        "body: it was parsed, and signatures cover its bytes; give the trigger eventFormat \"lambda-v2\"",
    )


def verify_webhook(event, *, scheme, secret, tolerance=_TOLERANCE_S):
    """The event's body as bytes when one of the signatures was made with the secret, or with one of several.

    `scheme` is github, slack, standard (Standard Webhooks) or stripe; `tolerance` is in seconds, `None` for any time.
    Raises `WebhookError`.
    """
    if scheme not in _SCHEMES:
        raise ValueError(f"scheme: one of {', '.join(sorted(_SCHEMES))} is needed, not {scheme!r}")
    keys = [_key(scheme, one) for one in (secret if isinstance(secret, (list, tuple)) else [secret])]
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}

    def header(name):
        if not headers.get(name):
            raise WebhookError("header_missing", f"{name}: the header is missing")
        return headers[name]

    body = _raw_body(event)
    signed, signed_at, signatures = _SCHEMES[scheme](header, body)
    signatures = [signature for signature in signatures if signature]
    if not signatures:
        raise WebhookError("header_malformed", f"the signature is not one of the scheme {scheme}")
    if signed_at is not None:
        if not (signed_at.isascii() and signed_at.isdigit()):
            raise WebhookError("header_malformed", "the time of the signature is not a number of seconds")
        if tolerance is not None and abs(time.time() - int(signed_at)) > tolerance:
            raise WebhookError("expired", f"it was signed more than {tolerance} s ago or ahead")
    made = [hmac.digest(key, signed, "sha256") for key in keys]
    # Each with each, whatever was found: the time that it takes tells nothing.
    equal = [hmac.compare_digest(one, signature) for one in made for signature in signatures]
    if not any(equal):
        raise WebhookError("mismatch", "the signature was not made with this secret, or not of this body")
    return body
