"""Decodes a PNG, makes it smaller by averaging boxes, encodes it again, with Pillow, which does all of it natively."""

import base64
import io
import json

from PIL import Image, ImageStat


def handler(event, context):
    asked = event["body"]
    image = Image.open(io.BytesIO(base64.b64decode(asked["image"]))).reduce(asked["factor"])
    file = io.BytesIO()
    image.save(file, "PNG")
    red, green, blue = ImageStat.Stat(image).mean
    thumbnail = base64.b64encode(file.getvalue()).decode()
    answer = {"width": image.width, "height": image.height, "red": red, "green": green, "blue": blue}
    return {"statusCode": 200, "body": json.dumps({**answer, "bytes": len(file.getvalue()), "thumbnail": thumbnail})}
