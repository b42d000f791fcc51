import os
import random
import secrets
import ssl
import tempfile
import uuid

# Every source is used before the fork too: what a generator keeps ready must not be served twice.
USED = [random.random(), uuid.uuid4(), secrets.token_hex(), ssl.RAND_bytes(16), next(tempfile._get_candidate_names())]


def handler(event, context):
    return {
        "pid": os.getpid(),
        "random": random.random(),
        "bits": random.getrandbits(64),
        "fresh": random.Random().random(),
        "system": random.SystemRandom().random(),
        "uuid4": str(uuid.uuid4()),
        "secrets": secrets.token_hex(16),
        "ssl": ssl.RAND_bytes(16).hex(),
        "urandom": os.urandom(16).hex(),
        "tempfile": next(tempfile._get_candidate_names()),
    }
