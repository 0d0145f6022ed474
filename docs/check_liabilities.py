#!/usr/bin/env python3
"""Check a proof of liabilities: check_liabilities.py PROOF.json [KEY]. Exit 0: it holds. See docs/liabilities.md."""
import base64, json, re, sys
from decimal import Decimal
from hashlib import sha256, sha512
P, ORDER, ONE = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, (0, 1)  # Ed25519: RFC 8032
D, ROOT, BASE = -121665 * pow(121666, -1, P), pow(2, (P - 1) // 4, P), (4 * pow(5, -1, P) % P).to_bytes(32, "little")
def need(holds, what):
    if not holds: sys.exit(f"It does not hold: {what}.")
def plus(a, b):
    k = D * a[0] * b[0] * a[1] * b[1]
    return (a[0] * b[1] + a[1] * b[0]) * pow(1 + k, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P
def times(number, point):
    return plus(times(number // 2, plus(point, point)), point if number % 2 else ONE) if number else ONE
def point_of(data):
    y, odd = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = next((x for x in (pow(square, (P + 3) // 8, P) * k % P for k in (1, ROOT)) if x * x % P == square), 0)
    need(len(data) == 32 and y < P and x, "the signature or the key is no point of the curve")
    return (x if x % 2 == odd else P - x), y
def is_signed(text, signature, public):
    k, s = (int.from_bytes(n, "little") for n in (sha512(signature[:32] + public + text).digest(), signature[32:]))
    return s < ORDER and times(s, point_of(BASE)) == plus(point_of(signature[:32]), times(k % ORDER, point_of(public)))
def fields(*values):  # each behind its length
    parts = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
def content(sums): return fields(*(part for unit in sorted(sums) for part in (unit, sums[unit])))
def read(amounts):  # as {"USD/2": cents}
    found = [(one["asset"], re.fullmatch(r"(0|[1-9][0-9]{0,47})(?:\.([0-9]{1,18}))?", one["value"])) for one in amounts]
    sums = [(f"{asset}/{len(form[2] or '')}", int(form[1] + (form[2] or ""))) for asset, form in found]
    need(sums == sorted(dict(sums).items()) and all(0 < n < 10**48 for _, n in sums), "an amount cannot be owed")
    return dict(sums)
def shown(sums):
    texts = ((unit.split("/"), str(units)) for unit, units in sums.items())
    return ", ".join(f"{Decimal(units).scaleb(-int(scale))} {code}" for (code, scale), units in texts) or "nothing"
def parent(left, right):
    total = {unit: left[1].get(unit, 0) + right[1].get(unit, 0) for unit in {**left[1], **right[1]}}
    need(all(units < 10**48 for units in total.values()), "a sum is too large")
    return sha256(b"\3" + fields(left[0], content(left[1]), right[0], content(right[1]))).digest(), total
proof = json.load(open(sys.argv[1], encoding="utf-8"))
name, _, public = (sys.argv[2] if len(sys.argv) > 2 else proof["key"]).split("+", 2)
text, _, signatures = proof["checkpoint"].rpartition("\n\n")
signed = [base64.b64decode(line.split(" ")[2]) for line in signatures.splitlines() if line.startswith(f"— {name} ")]
need(any(is_signed(f"{text}\n".encode(), one[4:], base64.b64decode(public)[1:]) for one in signed), "it is not signed")
own, index, last = read(proof["amounts"]), proof["index"], proof["size"] - 1
node = sha256(b"\2" + fields(bytes.fromhex(proof["nonce"]), proof["user"], content(own))).digest(), own
path = [(bytes.fromhex(step["hash"]), read(step["amounts"])) for step in proof["path"]]
while last and 0 <= index <= last:
    if (index % 2 or index < last) and (beside := path.pop(0)):
        node = parent(beside, node) if index % 2 else parent(node, beside)
    index, last = index // 2, last // 2
need(not path and index == last == 0, "the branch has another shape")
top = sha256(b"\4" + fields(proof["tenant"], proof["size"], node[0], content(node[1]))).digest()
others = {step["level"]: bytes.fromhex(step["hash"]) for step in proof["tenants_path"]}
for level, bit in enumerate(reversed(f"{int(sha256(proof['tenant'].encode()).hexdigest()[:16], 16):064b}")):
    top = sha256(b"\5" + b"".join((top, others.pop(level, bytes(32)))[:: -1 if bit == "1" else 1])).digest()
said = {}, text.split("\n")[1], re.findall(r"^liabilities (\S+)$", text, re.MULTILINE)
need((others, str(proof["log_position"]), [base64.b64encode(top).decode()]) == said, "another tree was signed")
print(f"It holds: user {proof['user']} of {proof['tenant']} is owed {shown(own)} at log position {said[1]},")
print(f"and all {proof['size']} users together {shown(node[1])}. Signed by {name}.")
