"""Trade and read with an API key.

$ API_URL=http://127.0.0.1:8000 API_KEY=main.0b9d1ac3… API_PROOF=key.pem python docs/api_key_example.py

`API_PROOF` is a file (.pem) with an Ed25519 private key, or the secret of a key of kind hmac.
"""

import hashlib
import hmac
import json
import os
import time
import uuid
from base64 import b64encode
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.serialization import load_pem_private_key

URL, KEY, PROOF = (os.environ[name] for name in ("API_URL", "API_KEY", "API_PROOF"))


def signature(text: bytes) -> str:
    if PROOF.endswith(".pem"):
        return b64encode(load_pem_private_key(Path(PROOF).read_bytes(), None).sign(text)).decode()
    return b64encode(hmac.digest(PROOF.encode(), text, "sha256")).decode()


def call(method: str, path: str, body: object = None) -> dict:
    content = b"" if body is None else json.dumps(body).encode()
    timestamp, window = str(time.time_ns() // 1_000_000), "5000"
    once = "" if method == "GET" else uuid.uuid4().hex  # keep it to repeat a request that got no answer
    digest = hashlib.sha256(content).hexdigest()
    text = f"LASTRO-1\n{KEY}\n{method}\n{path}\n{timestamp}\n{window}\n{once}\n{digest}".encode()
    headers = {"X-Api-Key": KEY, "X-Timestamp": timestamp, "X-Recv-Window": window, "X-Content-SHA256": digest,
               "X-Signature": signature(text), "Idempotency-Key": once, "Content-Type": "application/json"}  # fmt: skip
    return httpx.request(method, URL + path, content=content, headers=headers).raise_for_status().json()


start = {"value": "1000", "asset": "USD"}
print(call("POST", "/api/v1/connections", {"venue": "paper", "start": start})["id"])
print(call("GET", "/api/v1/connections?limit=1")["items"])
