"""Operator precedence: TLA+ gives operators ranges, and two operators whose ranges overlap may not meet unbracketed.

The grammar resolves such conflicts silently. This module flattens a chain of operators and rebuilds it by the
language's rules, so that `a * -b` or `1 + 2 % 3` is refused.

Source: Lamport, Specifying Systems, section 15.2.1 and table 6.
"""

from dataclasses import dataclass
from typing import TypeAlias

from checkers.tla.errors import Position, TlaSyntaxError

PREFIX, INFIX, POSTFIX = "prefix", "infix", "postfix"


@dataclass(frozen=True, slots=True)
class Fixity:
    """An operator's canonical spelling, the range of its precedence, and whether it associates to the left."""

    name: str
    low: int
    high: int
    shape: str
    left: bool = False


def _infix(low: int, high: int, left: bool, *names: str) -> dict[str, Fixity]:
    result = {}
    for name in names:
        key, _, spelling = name.partition("=")
        result[key] = Fixity(spelling or key, low, high, INFIX, left)
    return result


# Grammar node type, with the spelling of the operator after "=".
INFIXES: dict[str, Fixity] = {
    **_infix(1, 1, False, "implies==>"),
    **_infix(2, 2, False, "plus_arrow=-+->", "equiv=\\equiv", "iff=\\equiv", "leads_to=~>"),
    **_infix(3, 3, True, "land=/\\", "lor=\\/"),
    **_infix(5, 5, False, "assign=:=", "bnf_rule=::=", "eq==", "neq=/=", "lt=<", "gt=>", "leq=\\leq", "geq=\\geq"),
    **_infix(5, 5, False, "approx=\\approx", "rs_ttile=|-", "rd_ttile=|=", "ls_ttile=-|", "ld_ttile==|"),
    **_infix(5, 5, False, "asymp=\\asymp", "cong=\\cong", "doteq=\\doteq", "gg=\\gg", "ll=\\ll", "in=\\in"),
    **_infix(5, 5, False, "notin=\\notin", "prec=\\prec", "succ=\\succ", "preceq=\\preceq", "succeq=\\succeq"),
    **_infix(5, 5, False, "propto=\\propto", "sim=\\sim", "simeq=\\simeq", "sqsubset=\\sqsubset"),
    **_infix(5, 5, False, "sqsupset=\\sqsupset", "sqsubseteq=\\sqsubseteq", "sqsupseteq=\\sqsupseteq"),
    **_infix(5, 5, False, "subset=\\subset", "supset=\\supset", "subseteq=\\subseteq", "supseteq=\\supseteq"),
    **_infix(5, 14, True, "cdot=\\cdot"),
    **_infix(6, 6, True, "compose=@@"),
    **_infix(7, 7, False, "map_to=:>", "map_from=<:"),
    **_infix(8, 8, False, "setminus=\\"),
    **_infix(8, 8, True, "cap=\\cap", "cup=\\cup"),
    **_infix(9, 9, False, "dots_2=..", "dots_3=..."),
    **_infix(9, 13, True, "dol=$", "doldol=$$", "hashhash=##", "qq=??", "sqcap=\\sqcap", "sqcup=\\sqcup"),
    **_infix(9, 13, True, "uplus=\\uplus"),
    **_infix(9, 13, False, "excl=!!"),
    **_infix(9, 14, False, "wr=\\wr"),
    **_infix(10, 10, True, "plus=+", "plusplus=++", "oplus=\\oplus"),
    **_infix(10, 11, False, "mod=%"),
    **_infix(10, 11, True, "modmod=%%", "vert=|", "vertvert=||"),
    **_infix(10, 13, True, "times=\\X"),
    **_infix(11, 11, True, "minus=-", "minusminus=--", "ominus=\\ominus"),
    **_infix(13, 13, True, "amp=&", "ampamp=&&", "mul=*", "mulmul=**", "odot=\\odot", "otimes=\\otimes"),
    **_infix(13, 13, True, "bigcirc=\\bigcirc", "bullet=\\bullet", "circ=\\o", "star=\\star"),
    **_infix(13, 13, False, "slash=/", "slashslash=//", "oslash=\\oslash", "div=\\div"),
    **_infix(14, 14, False, "pow=^", "powpow=^^"),
}
PREFIXES: dict[str, Fixity] = {
    "lnot": Fixity("~", 4, 4, PREFIX, True),
    "always": Fixity("[]", 4, 15, PREFIX),
    "eventually": Fixity("<>", 4, 15, PREFIX),
    "enabled": Fixity("ENABLED", 4, 15, PREFIX),
    "unchanged": Fixity("UNCHANGED", 4, 15, PREFIX),
    "powerset": Fixity("SUBSET", 10, 13, PREFIX),
    "union": Fixity("UNION", 10, 13, PREFIX),
    "domain": Fixity("DOMAIN", 10, 13, PREFIX),
    "negative": Fixity("-.", 12, 12, PREFIX),
}
POSTFIXES: dict[str, Fixity] = {
    "sup_plus": Fixity("^+", 15, 15, POSTFIX),
    "asterisk": Fixity("^*", 15, 15, POSTFIX),
    "sup_hash": Fixity("^#", 15, 15, POSTFIX),
    "prime": Fixity("'", 15, 15, POSTFIX),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator applied to operands: operations again, or the caller's leaves."""

    fixity: Fixity
    position: Position
    operands: tuple["Operand", ...]


Operand: TypeAlias = Operation | object
Mark: TypeAlias = tuple[Fixity, Position]


def _stronger(left: Fixity, right: Fixity) -> bool:
    return left.low > right.high


def resolve(tokens: list[Mark | object]) -> Operand:
    """Build the tree of a flat chain of operands and operators.

    Args:
        tokens: operands, and pairs of an operator's fixity with its position, in the order of the text.

    Returns:
        The one operation (or operand) that the chain denotes.

    Raises:
        TlaSyntaxError: two neighbours whose precedence ranges overlap.
    """
    operands: list[Operand] = []
    operators: list[Mark] = []

    def reduce() -> None:
        fixity, position = operators.pop()
        count = 2 if fixity.shape == INFIX else 1
        arguments = tuple(operands[-count:])
        del operands[-count:]
        operands.append(Operation(fixity, position, arguments))

    def settle(right: Fixity, position: Position) -> None:
        while operators:
            left = operators[-1][0]
            if _stronger(left, right) or (left == right and left.left):
                reduce()
            elif _stronger(right, left):
                return
            else:
                raise conflict(left, right, position)

    after_operator = True
    for token in tokens:
        if not (isinstance(token, tuple) and token and isinstance(token[0], Fixity)):
            operands.append(token)
            after_operator = False
            continue
        fixity, position = token
        if fixity.shape == PREFIX:
            minus_after = fixity.name == "-." and operators and after_operator
            if minus_after and (_stronger(operators[-1][0], fixity) or operators[-1][0] == fixity):
                raise conflict(operators[-1][0], fixity, position)
            operators.append((fixity, position))
            after_operator = True
            continue
        settle(fixity, position)
        operators.append((fixity, position))
        if fixity.shape == POSTFIX:
            reduce()
            after_operator = False
        else:
            after_operator = True
    while operators:
        reduce()
    return operands[0]


def conflict(left: Fixity, right: Fixity, position: Position) -> TlaSyntaxError:
    """Return the error for two operators that need brackets between them."""
    first, second = (item.name.replace("-.", "-") for item in (left, right))
    return TlaSyntaxError("precedence", f"precedence conflict between {first} and {second}: put brackets", position)
