"""PageRank of a directed graph that is made by seed, in plain Python."""

import json
import math

DAMPING = 0.85


def graph(nodes, edges, state):
    links = []
    for _ in range(nodes):
        targets = []
        for _ in range(edges):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            one = (state >> 8) % nodes
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            # Low numbers are linked to more often, as in real graphs.
            targets.append(min(one, (state >> 8) % nodes))
        links.append(targets)
    return links


def ranks(links, rounds):
    nodes = len(links)
    rank = [1 / nodes] * nodes
    for _ in range(rounds):
        following = [(1 - DAMPING) / nodes] * nodes
        for value, targets in zip(rank, links):
            share = (DAMPING * value) / len(targets)
            for target in targets:
                following[target] += share
        rank = following
    return rank


def billionths(value):
    return math.floor(value * 1e9 + 0.5)


def handler(event, context):
    asked = event["body"]
    rank = ranks(graph(asked["nodes"], asked["edges"], asked["seed"]), asked["rounds"])
    top = max(range(len(rank)), key=rank.__getitem__)
    total = 0.0
    for value in rank:
        total += value
    answer = {"top": top, "rank": billionths(rank[top]), "last": billionths(rank[-1]), "sum": billionths(total)}
    return {"statusCode": 200, "body": json.dumps(answer)}
