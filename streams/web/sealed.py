"""Questions as URLs that say nothing: whom or what an answer is about, sealed under the page's token.

A browser can then go back to an answer, and a colleague with the token can be sent one, while histories and logs hold
nobody's address. The same question gives the same URL, on every worker. AES-SIV (RFC 5297) needs no nonce; the key is
slow to make (scrypt, RFC 7914), once a start, so that who has found a URL in a log does not guess the token by it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import scrypt

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pydantic import SecretStr

_PURPOSE = b"a question to the page of ses-streams, under "


class Sealed:
    """Seals questions, and reads them again; without a token there are none."""

    def __init__(self, token: SecretStr | None) -> None:
        """Make the key of the token: another token, and no URL of before can be read."""
        self._cipher: AESSIV | None = None
        if token is not None:
            given = token.get_secret_value().encode()
            self._cipher = AESSIV(scrypt(given, salt=_PURPOSE, n=2**14, r=8, p=1, dklen=64))

    def url(self, question: str) -> str:
        """Return where a question is answered; where there is none, that is the status."""
        if not question:
            return "/"
        if self._cipher is None:
            raise ValueError("no token to seal with")
        sealed = self._cipher.encrypt(question.encode("utf-8", "surrogatepass"), None)
        return f"/answers/{urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def question(self, sealed: str) -> str | None:
        """Return what the end of such a URL asks; None where it is none of ours."""
        try:
            packed = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            if self._cipher is None or not packed:
                return None
            return self._cipher.decrypt(packed, None).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError):
            return None
