"""Read whole files for the backends, as bytes or as UTF-8; errors have Ganeti's phrases."""

from htools.errors import AccessError, Doing, refusal


def read_bytes(path: str) -> bytes:
    """Return the contents of a file.

    Raises:
        AccessError: it cannot be opened or read.
    """
    doing = Doing.OPEN
    try:
        with open(path, "rb") as file:
            doing = Doing.READ
            return file.read()
    except IsADirectoryError:
        raise AccessError(path, doing, "inappropriate type (is a directory)") from None
    except OSError as error:
        raise AccessError(path, doing, refusal(error)) from None


def decode_text(source: str, data: bytes) -> str:
    """Return the text of some bytes.

    Raises:
        AccessError: they are not UTF-8, with the line.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"expected UTF-8, found the byte {data[error.start]:#04x}"
        raise AccessError(source, Doing.READ, "invalid argument (invalid byte sequence)", reason, line=line) from None
