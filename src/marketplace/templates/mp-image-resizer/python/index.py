import base64
import binascii
import io
import os

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
FITS = ("contain", "cover", "fill")
SIZE_MAX = int(os.environ["MAX_SIZE"])
PIXELS_MAX = int(os.environ["MAX_PIXELS"])
# Pixels are counted below; the library's own limit is a warning.
Image.MAX_IMAGE_PIXELS = None
Image.preinit()
Image.init()


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def number(options, name, least, most, default=None):
    value = options.get(name, default)
    if value is None or value == default:
        return value
    text = str(value)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Refusal(400, "bad_option", f"`{name}` must be a whole number from {least} to {most}")
    return int(text)


def choice(options, name, choices, default):
    value = options.get(name, default)
    if value not in choices:
        raise Refusal(400, "bad_option", f"`{name}` must be one of {', '.join(choices)}")
    return value


def opened(content):
    try:
        image = Image.open(io.BytesIO(content), formats=list(FORMATS.values()))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise Refusal(415, "unknown_format", "The image is neither PNG, JPEG nor WebP, or its head is damaged") from None
    if image.width * image.height > PIXELS_MAX:
        rule = f"The image has {image.width} x {image.height} pixels; {PIXELS_MAX} are the most"
        raise Refusal(413, "too_many_pixels", rule)
    kind = image.format.lower()
    try:
        image.load()
        return ImageOps.exif_transpose(image), kind
    except (OSError, ValueError, SyntaxError, IndexError, EOFError):
        raise Refusal(422, "damaged", "The image is damaged: it cannot be decoded") from None


def resized(image, width, height, fit):
    if fit == "fill" or not (width and height):
        width = width or max(1, round(image.width * height / image.height))
        height = height or max(1, round(image.height * width / image.width))
    if max(width, height) > SIZE_MAX:
        raise Refusal(400, "bad_option", f"The image would be {width} x {height}; {SIZE_MAX} is the most")
    if fit == "cover":
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    if fit == "contain":
        scale = min(width / image.width, height / image.height)
        width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def encoded(image, kind, quality):
    if kind == "jpeg" and image.mode != "RGB":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    out = io.BytesIO()
    image.save(out, FORMATS[kind], **({} if kind == "png" else {"quality": quality}))
    return out.getvalue()


def made(content, options):
    width, height = (number(options, name, 1, SIZE_MAX) for name in ("width", "height"))
    if width is None and height is None:
        raise Refusal(400, "bad_option", "`width` or `height` must be given")
    fit = choice(options, "fit", FITS, "contain")
    asked = choice(options, "format", ("same", *FORMATS), os.environ["FORMAT"])
    quality = number(options, "quality", 1, 100, int(os.environ["QUALITY"]))
    image, kind = opened(content)
    if image.mode not in ("RGB", "RGBA"):
        has_alpha = image.mode in ("LA", "PA", "La") or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    image = resized(image, width, height, fit)
    kind = kind if asked == "same" else asked
    return encoded(image, kind, quality), kind, image.size


def handler(event, context):
    is_http = "requestContext" in event
    try:
        if is_http:
            content = event.get("body") or ""
            content = base64.b64decode(content) if event.get("isBase64Encoded") else content.encode()
            options = event.get("queryStringParameters", {})
        else:
            options = event.get("body")
            if not isinstance(options, dict) or not isinstance(options.get("image"), str):
                raise Refusal(400, "bad_request", "The body must be an object: {image: base64, width, height}")
            try:
                content = base64.b64decode(options["image"], validate=True)
            except (binascii.Error, ValueError):
                raise Refusal(400, "bad_request", "`image` must be base64") from None
        out, kind, (width, height) = made(content, options)
    except Refusal as refusal:
        return {"statusCode": refusal.status, "body": {"error": str(refusal), "code": refusal.code}}
    text = base64.b64encode(out).decode()
    if is_http:
        return {"statusCode": 200, "headers": {"content-type": f"image/{kind}"}, "body": text, "isBase64Encoded": True}
    return {"statusCode": 200, "body": {"image": text, "type": f"image/{kind}", "width": width, "height": height}}
