"""Code for the operators of the standard modules."""

from __future__ import annotations

from checkers.tla.codegen.frames import Code, Context, Env
from checkers.tla.codegen.logic import Pieces
from checkers.tla.errors import TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.standard_names import HIGHER_ORDER
from checkers.tla.parse.syntax import Builtin

# Name: the function to call, the type of its result, whether the result is normal.
_CALLS: dict[str, tuple[str, str, bool]] = {
    "+": ("add", "int", True), "-": ("sub", "int", True), "*": ("mul", "int", True), "^": ("power", "int", True),
    "\\div": ("div", "int", True), "%": ("mod", "int", True), "-.": ("negate", "int", True),
    "..": ("interval", "set", False), "Len": ("lib_length", "int", True), "Head": ("lib_head", "any", True),
    "Tail": ("lib_tail", "any", True), "Append": ("lib_append", "any", True), "\\o": ("lib_concat", "any", True),
    "SubSeq": ("lib_sub_sequence", "any", True), "SelectSeq": ("lib_select", "any", True),
    "Seq": ("lib_sequences", "set", False), "Cardinality": ("lib_cardinality", "int", True),
    "IsFiniteSet": ("lib_is_finite_set", "bool", True), "PrintT": ("lib_print_value", "bool", True),
    "Print": ("lib_print_both", "any", False), "Assert": ("lib_check", "bool", True),
    "JavaTime": ("lib_java_time", "int", True), "TLCGet": ("lib_register_get", "any", True),
    "TLCSet": ("lib_register_set", "bool", True), ":>": ("lib_singleton", "any", True),
    "@@": ("lib_override", "any", True), "Permutations": ("lib_permutations", "set", True),
    "SortSeq": ("lib_sort", "any", True), "RandomElement": ("lib_random_element", "any", True),
    "ToString": ("lib_to_string", "str", True), "TLCEval": ("normal", "any", True),
    "IsABag": ("lib_is_bag", "bool", True), "BagToSet": ("lib_bag_to_set", "set", True),
    "SetToBag": ("lib_set_to_bag", "any", True), "BagIn": ("lib_bag_in", "bool", True),
    "\\oplus": ("lib_bag_sum", "any", True), "\\ominus": ("lib_bag_difference", "any", True),
    "BagUnion": ("lib_bag_union", "any", True), "\\sqsubseteq": ("lib_bag_within", "bool", True),
    "SubBag": ("lib_sub_bags", "set", True), "BagOfAll": ("lib_bag_of_all", "any", True),
    "BagCardinality": ("lib_bag_cardinality", "int", True), "CopiesIn": ("lib_copies_in", "int", True),
    "AssertEq": ("lib_assert_equal", "bool", True), "TLCModelValue": ("lib_model_value", "any", True),
    "TLCNoOp": ("", "any", False), "TLCDefer": ("", "any", False),
    "TLCGetOrDefault": ("lib_register_or", "any", True), "TLCGetAndSet": ("lib_register_update", "any", True),
    "RandomSubset": ("lib_random_subset", "set", True), "RandomSetOfSubsets": ("lib_random_subsets", "set", True),
}  # fmt: skip
_TESTS = frozenset({"SelectSeq", "SortSeq"})
"""Operators that take operators whose values are conditions."""
_NAMES = {"Nat": "NAT", "Int": "INT", "Real": "REAL", "Any": "ANY"}
_ARITHMETIC = {"+": "+", "-": "-", "*": "*"}
_COMPARISON = {
    "<": ("<", "less", 0),
    "\\leq": ("<=", "at_most", 0),
    ">": (">", "less", 1),
    "\\geq": (">=", "at_most", 1),
}


class BuiltinCalls(Pieces):
    """Generates applications of built-in operators."""

    def builtin(self, symbol: Builtin, args: tuple[ast.Argument, ...], env: Env, cx: Context, node: ast.Expr) -> Code:
        """Generate an operator of a standard module (or one of the language, given as an argument)."""
        name = symbol.name
        if name in _NAMES:
            return Code(_NAMES[name], "set")
        if name == "EmptyBag":
            return Code("()", "any", normal=True)
        if not symbol.module and name in ast.BASIC_OPERATORS:
            given = tuple(arg for arg in args if isinstance(arg, ast.Expr))
            return self.gen(ast.Basic(node.position, ast.BASIC_NAMES[name], given), env, cx)
        cx = cx.testing(False)
        arities = HIGHER_ORDER.get(name, (0,) * len(args))
        codes = [
            Code(self.operator_value(arg, arity, env, cx, test=name in _TESTS))
            if arity or not isinstance(arg, ast.Expr)
            else self.gen(arg, env, cx)
            for arg, arity in zip(args, arities, strict=True)
        ]
        texts = [code.text for code in codes]
        if name in _COMPARISON:
            return self._compare(name, codes, node)
        if name in _ARITHMETIC and all(code.type == "int" for code in codes):
            return Code(f"({texts[0]} {_ARITHMETIC[name]} {texts[1]})", "int", normal=True)
        if name not in _CALLS:
            raise TlaUnsupportedError(f"the operator {name} is not supported", node.position)
        function, kind, normal = _CALLS[name]
        if not function:
            return codes[0]
        return Code(self.marked(f"{function}({', '.join(texts)})", node.position), kind, normal=normal)

    def _compare(self, name: str, codes: list[Code], node: ast.Expr) -> Code:
        sign, call, swapped = _COMPARISON[name]
        texts = [code.text for code in codes]
        if all(code.type == "int" for code in codes):
            return Code(f"({texts[0]} {sign} {texts[1]})", "bool", normal=True)
        if swapped:
            texts.reverse()
        return Code(self.marked(f"{call}({', '.join(texts)})", node.position), "bool", normal=True)
