"""Reads a list of orders, sums it up by customer, writes the sums, several times."""

import hashlib
import json


def summary(text):
    customers = {}
    for order in json.loads(text):
        customer = order["customer"]
        found = customers.get(customer)
        if found is None:
            found = customers[customer] = {"customer": customer, "orders": 0, "items": 0, "cents": 0}
        found["orders"] += 1
        for item in order["items"]:
            found["items"] += item["count"]
            found["cents"] += item["count"] * item["cents"]
    sums = sorted(customers.values(), key=lambda found: found["customer"])
    return json.dumps(sums, separators=(",", ":"), ensure_ascii=False)


def handler(event, context):
    asked = event["body"]
    text = ""
    for _ in range(asked["rounds"]):
        text = summary(asked["orders"])
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return {"statusCode": 200, "body": json.dumps({"customers": len(json.loads(text)), "sha256": sha256})}
