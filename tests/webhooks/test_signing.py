import pytest

from estafette.webhooks.signing import hmac_sha256_hex


@pytest.mark.parametrize(
    ("secret", "message", "expected"),
    [  # RFC 4231, test cases 1, 2 and 6
        (
            b"\x0b" * 20,
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_signature_agrees_with_the_published_vectors(secret: bytes, message: bytes, expected: str):
    assert hmac_sha256_hex(secret, message) == expected
