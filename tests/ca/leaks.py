"""In which spellings a key could leak."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def spellings(pem: bytes) -> list[bytes]:
    """How the key at the head of some PEM could be written: its number as bytes, hexadecimal,
    decimal and base64, and lines of the PEM.
    """
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    number = key.private_numbers().private_value
    raw = number.to_bytes(32, "big")
    # In the middle of a text, base64 has one of three shapes; its ends depend on what is beside.
    shapes = [base64.b64encode(raw[skip:])[4:-4] for skip in range(3)]
    private = pem.partition(b"-----END")[0]
    body = [line for line in private.splitlines() if line and not line.startswith(b"-")]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), str(number).encode(), *shapes,
            *(line for line in body if len(line) > 16), b"PRIVATE KEY-----"]  # fmt: skip
