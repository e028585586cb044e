"""Keys on a PKCS#11 token: ECDSA on P-256 or P-384, by securesystemslib's `HSMSigner`.

The library of the token is named by the environment, `PYKCS11LIB`. A key is tried once when it
is loaded, so that a wrong PIN is told before anything else was done, and costs one try.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from securesystemslib.exceptions import UnsupportedLibraryError, VerificationError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    HSMSigner,
    SSlibKey,
)

from hubproxy.errors import UsageError
from hubproxy.trust.keyspec import TokenSpec

_VARIABLE = "PYKCS11LIB"
_TRIED = b"hubproxy: is the key of this token at hand?"


def load_token(spec: TokenSpec, pin: bytes | None) -> HSMSigner:
    """The signer of a key on a token.

    Raises:
        UsageError: the extra, the library, the token or the key is missing, or the PIN is wrong.
    """
    if not pin:
        raise UsageError(
            f"the key {spec} is under a PIN, and none was given",
            remedy="Run the command at a terminal, or give the PIN in a file.",
        )
    public, asked = load_token_public(spec, pin), _handler(pin)
    with _told(spec):
        signer = HSMSigner(spec.keyid, public, asked, spec.label or None)
        public.verify_signature(signer.sign(_TRIED), _TRIED)
    return signer


def load_token_public(spec: TokenSpec, pin: bytes | None = None) -> SSlibKey:
    """The public key of a key on a token.

    Args:
        pin: for tokens that show it to their owner alone.

    Raises:
        UsageError: the extra, the library, the token or the key is missing, or the PIN is wrong.
    """
    with _told(spec):
        _, public = HSMSigner.import_(spec.keyid, spec.label or None, _handler(pin))
    return public


def _handler(pin: bytes | None) -> Callable[[str], str]:
    return lambda _: (pin or b"").decode("utf-8", "surrogateescape")


@contextmanager
def _told(spec: TokenSpec) -> Iterator[None]:
    """What the token's library says, in our words."""
    try:
        from pkcs11.exceptions import (  # noqa: PLC0415  # an extra
            PinIncorrect,
            PinInvalid,
            PinLenRange,
            PinLocked,
            PKCS11Error,
        )
    except ImportError as error:
        raise UsageError(
            f"the key {spec} is on a token, and hubproxy was installed without that",
            remedy="Install it with `pip install 'hubproxy[hsm]'`.",
        ) from error
    library = os.environ.get(_VARIABLE)
    if not library:
        raise UsageError(
            f"the key {spec} is on a token, and {_VARIABLE} names no library for it",
            remedy=f"Set it to the token's PKCS#11 library, such as {_VARIABLE}="
            "/usr/lib/x86_64-linux-gnu/libykcs11.so.",
        )
    try:
        yield
    except PinLocked as error:
        raise UsageError(
            f"the PIN of the token of {spec} is locked: too many wrong ones",
            remedy="Unlock it with the token's own tool and its PUK.",
        ) from error
    except (PinIncorrect, PinInvalid, PinLenRange) as error:
        raise UsageError(
            f"wrong PIN for {spec}",
            remedy="Mind how many tries the token has left; nothing was changed.",
        ) from error
    except (PKCS11Error, UnsupportedLibraryError, VerificationError, ValueError) as error:
        raise UsageError(
            f"the key {spec} cannot be used: {str(error) or type(error).__name__}",
            remedy=f"See that the token is there, that {_VARIABLE} ({library}) is its library, "
            "and that its ECDSA key has this number: `pkcs11-tool -O` shows them.",
        ) from error
