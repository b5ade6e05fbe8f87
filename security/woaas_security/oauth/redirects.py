"""Where an application may be sent an answer: what is registered, and nothing like it (RFC 9700 §4.1). Pure."""

from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def fault_of(uri: str, *, is_public: bool) -> str | None:
    """Why a redirect URI cannot be registered; None where it can.

    https, or http to this very machine; an app on a device may also have a scheme of its own, named after its domain
    (RFC 8252 §7.1). Answers are compared with it character by character, so it holds no wildcard.
    """
    if any(c <= " " or c > "~" or c in '*\\"<>^`{|}' for c in uri):
        return "It has characters that no URI has, or a wildcard."
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "It is not a URI."
    if "#" in uri or "@" in parts.netloc or any(part in (".", "..") for part in parts.path.split("/")):
        return "It must have no fragment, name no user, and not step back."
    if parts.scheme in ("http", "https"):
        return _fault_on_the_web(parts.scheme, host)
    if is_public and "." in parts.scheme and not parts.netloc:
        return None
    return "Use https, http to the loopback address, or for an app on a device a scheme such as com.example.app."


def _fault_on_the_web(scheme: str, host: str) -> str | None:
    if not host:
        return "It names no host."
    if scheme == "http" and host not in _LOOPBACK:
        return "Plain http is only for the loopback address."
    return None


def origin_of(uri: str) -> str:
    """The source that a content security policy names a redirect URI by."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
