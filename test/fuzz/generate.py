"""Writes requests for every operation of an OpenAPI document, valid and broken, as JSON lines.

Usage: generate.py URL CASES SHARD SHARDS

Schemathesis thinks of the requests; sending them is left to a program that is faster at it.
Three of four ids are replaced by ids that exist, so that requests reach past "not found".
"""

import base64
import json
import random
import sys

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

ID_RANGES = {
    "run_id": (1, 400),
    "project_id": (1, 100),
    "user_id": (2, 31),  # the first user is the one who asks, and must stay
    "key_id": (1, 30),
}
# What "fill" in fuzz.test.ts puts into every run.
TEXTS = {"path": "model/weights.bin", "*": "model/weights.bin", "metric_name": "loss"}
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


def main(url, cases, shard, shards):
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    for index, result in enumerate(schema.get_all_operations()):
        if index % shards == shard:
            operation = result.ok()
            for mode in MODES:
                generate(url, operation, mode, cases)


def generate(url, operation, mode, cases):
    try:
        strategy = operation.as_strategy(generation_mode=mode)
    except schemathesis.errors.SchemathesisError:
        return  # an operation without input has no broken form
    choice = random.Random(f"{operation.label} {mode.value}")

    @seed(1)
    @settings(
        max_examples=cases,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def write(case):
        for values in (case.path_parameters, case.query):
            aim(values, choice)
        try:
            request = requests.Request(**transport(case, url)).prepare()
        except (requests.RequestException, UnicodeError, ValueError):
            return  # not something that HTTP can carry
        print(json.dumps(line(operation, request)))

    try:
        write()
    except Exception as error:  # a schema that cannot be broken in any way
        print(f"{operation.label}, {mode.value}: {error!r}"[:300], file=sys.stderr)


def transport(case, url):
    given = case.as_transport_kwargs(base_url=url)
    known = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    return {name: given[name] for name in known if name in given}


def aim(values, choice):
    for name in values or {}:
        low, high = ID_RANGES.get(name, (0, 0))
        if high and (choice.random() < 0.75 or (name == "user_id" and str(values[name]) == "1")):
            values[name] = choice.randint(low, high)
        if name in TEXTS and choice.random() < 0.5:
            values[name] = TEXTS[name]


def line(operation, request):
    path, _, query = request.path_url.partition("?")
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    elif not isinstance(body, bytes):
        body = b"".join(body)
    return {
        "operation": operation.label,
        "path": path,
        "query": query,
        "headers": {
            name: value if isinstance(value, str) else value.decode("latin-1")
            for name, value in request.headers.items()
            if name.lower() not in ("content-length", "transfer-encoding", "authorization")
        },
        "body": base64.b64encode(body).decode(),
    }


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
