import dataclasses
import importlib.resources
import json

from app import models


def handler(event, context):
    data = importlib.resources.files("app").joinpath("data.txt").read_text().strip()
    return json.loads(json.dumps(dataclasses.asdict(models.Item(data))))
