"""The names and arities of the standard modules; `checkers.tla.values.standard_modules` computes them.

Source: Lamport, Specifying Systems, chapter 18, and the modules distributed with TLC.
"""

import functools

from checkers.tla.parse.syntax import Builtin, Module

_NATURALS = "+ - * ^ < > \\leq \\geq % \\div .."
_TABLE: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "Naturals": ((), {**dict.fromkeys(_NATURALS.split(), 2), "Nat": 0}),
    "Integers": (("Naturals",), {"Int": 0, "-.": 1}),
    "Reals": (("Integers",), {"Real": 0, "/": 2, "Infinity": 0}),
    "Sequences": (
        (),
        {"Seq": 1, "Len": 1, "\\o": 2, "Append": 2, "Head": 1, "Tail": 1, "SubSeq": 3, "SelectSeq": 2},
    ),
    "FiniteSets": ((), {"IsFiniteSet": 1, "Cardinality": 1}),
    "TLC": (
        (),
        {
            "Print": 2,
            "PrintT": 1,
            "Assert": 2,
            "JavaTime": 0,
            "TLCGet": 1,
            "TLCSet": 2,
            ":>": 2,
            "@@": 2,
            "Permutations": 1,
            "SortSeq": 2,
            "RandomElement": 1,
            "Any": 0,
            "ToString": 1,
            "TLCEval": 1,
        },
    ),
    "Bags": (
        ("TLC",),
        {
            "IsABag": 1,
            "BagToSet": 1,
            "SetToBag": 1,
            "BagIn": 2,
            "EmptyBag": 0,
            "\\oplus": 2,
            "\\ominus": 2,
            "BagUnion": 1,
            "\\sqsubseteq": 2,
            "SubBag": 1,
            "BagOfAll": 2,
            "BagCardinality": 1,
            "CopiesIn": 2,
        },
    ),
    "TLCExt": (
        (),
        {
            "AssertEq": 2,
            "AssertError": 2,
            "TLCModelValue": 1,
            "TLCNoOp": 1,
            "TLCDefer": 1,
            "TLCCache": 2,
            "TLCGetOrDefault": 2,
            "TLCGetAndSet": 4,
            "TLCEvalDefinition": 1,
            "TLCFP": 1,
            "Trace": 0,
            "CounterExample": 0,
            "ToTrace": 1,
            "PickSuccessor": 1,
        },
    ),
    "Randomization": ((), {"RandomSubset": 2, "RandomSetOfSubsets": 3}),
    "Toolbox": ((), {}),
}
FOR_PROOFS: dict[str, tuple[str, ...]] = {
    "TLAPS": (),
    "FiniteSetTheorems": ("FiniteSets", "Sequences"),
    "SequenceTheorems": ("Sequences",),
    "NaturalsInduction": ("Integers",),
    "WellFoundedInduction": ("Naturals",),
}
"""The proof system's modules hold theorems only: without a file of that name, they export what they extend."""

HIGHER_ORDER: dict[str, tuple[int, ...]] = {
    "SelectSeq": (0, 1),
    "SortSeq": (0, 2),
    "BagOfAll": (1, 0),
    "TLCGetAndSet": (0, 2, 0, 0),
}
"""The arities of the arguments of those built-in operators that take operators."""

REFUSED: dict[str, str] = {
    "RealTime": "real time has no finite model; replace it with integer clocks",
}
"""Standard modules that are refused, with the reason."""


@functools.cache
def standard_module(name: str) -> Module | None:
    """Return a standard module, or None when there is none of that name."""
    entry = _TABLE.get(name)
    if entry is None and name not in FOR_PROOFS:
        return None
    extends, names = entry or (FOR_PROOFS[name], {})
    module = Module(name, builtin=True)
    for parent in extends:
        above = standard_module(parent)
        assert above is not None
        module.extends.append(above)
        module.exported.update(above.exported)
    for symbol, arity in names.items():
        module.exported[symbol] = Builtin(symbol, None, arity, name)
    module.symbols.update(module.exported)
    return module
