"""The root of all errors.

Every error of Gantry is a `GantryError`; a subclass's name ends in `Error`, it carries its offending values as
typed attributes, and its text is one sentence that says what is wrong and what to do. Errors that the other side of a
connection returned (with the error classes of Ganeti's protocols) are `PeerError`s, to distinguish them from our own.
"""


class GantryError(Exception):
    """Something that Gantry refuses or could not do."""


class PeerError(GantryError):
    """An error that the other side of a connection returned.

    Attributes:
        error_class: the class name on the wire, such as `OpPrereqError` (empty for a plain string).
        arguments: the error's arguments, as decoded from JSON.
    """

    def __init__(self, error_class: str, arguments: tuple[object, ...]) -> None:
        self.error_class = error_class
        self.arguments = arguments
        text = ", ".join(str(argument) for argument in arguments)
        super().__init__(f"{error_class}: {text}" if error_class else text)
