"""From a message to its answer: dispatch, and how errors go over the wire.

A request that cannot be understood is answered with plain text and ends the connection; a request that is refused,
also for one of the limits (`impl.limits`), is answered with an error class and its arguments, and the connection stays
open.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from impl.limits import LimitError
from impl.luxid.arguments import RequestError
from impl.luxid.queue_errors import FaultError, QueueRefusedError, QueueUnknownError
from impl.query import FilterSyntaxError, QueryError
from impl.wire.messages import MalformedMessageError, decode_request, encode_error, encode_malformed, encode_result
from spec.errors import GantryError, PeerError


class AnswerError(GantryError):
    """A request that is refused, with a class and arguments of the wire."""

    def __init__(self, error_class: str, *args: Any) -> None:
        self.error_class = error_class
        self.arguments = args
        super().__init__(f"{error_class}: {args}")


class LuxidStoppedError(GantryError):
    """The daemon is stopping and takes nothing more."""

    def __init__(self) -> None:
        super().__init__("luxid is stopping: connect again when it runs")


Call = Callable[[Sequence[Any]], Awaitable[Any]]
"""A method that is bound to its daemon."""


async def answer(payload: bytes, methods: Mapping[str, Call], log: Callable[..., None]) -> tuple[bytes, bool]:
    """Answer one message: the payload, and whether the connection stays open."""
    try:
        request = decode_request(payload)
    except MalformedMessageError as error:
        return encode_malformed(f"Failed to parse request: {error.reason}"), False
    except LimitError as error:
        return encode_error("GenericError", f"request refused: {error}"), True
    try:
        method = methods.get(request.method)
        if method is None:
            quoted = msgspec.json.encode(request.method).decode()
            text = f"Unable to parse LUXI request method: Invalid string value for type LuxiReq: {quoted}"
            return encode_malformed(f"Failed to parse request: {text}"), False
        return encode_result(await method(request.args)), True
    except RequestError as error:
        return encode_malformed(str(error)), False
    except FilterSyntaxError as error:
        return encode_malformed(f"Failed to parse request: {error}"), False
    except AnswerError as error:
        return encode_error(error.error_class, *error.arguments), True
    except (QueryError, PeerError) as error:
        return encode_error(error.error_class or "GenericError", *error.arguments), True
    except FaultError as error:
        return encode_error("ProgrammerError", str(error)), True
    except (QueueRefusedError, QueueUnknownError, LuxidStoppedError) as error:
        return encode_error("JobQueueError", str(error)), True
    except GantryError as error:
        return encode_error("GenericError", str(error)), True
    except Exception as error:  # noqa: BLE001 - no request ends the daemon
        # the method only: its arguments may hold secret parameters
        log("request failed", error=repr(error), method=request.method)
        return encode_error("ProgrammerError", f"luxid failed on this request ({error!r}); see its log"), True
