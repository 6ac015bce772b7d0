"""The gate for code in files: an expression is parsed, checked, and written anew from its tree.

What goes on to Brian2, to SymPy and to a compiler is the text that is rendered here. None of a file's own characters
reach them, so that a file can compute, and can do nothing else. An expression holds numbers, names, arithmetic,
comparisons, ``and``, ``or`` and ``not``, and calls of the functions in `FUNCTIONS`.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
import warnings
from difflib import get_close_matches

from neuroeq.errors import given

from .complexity import FUNCTIONS, check_constants

LONGEST = 20_000
"""Length of the longest text."""
DEEPEST = 100
"""Depth of the deepest tree; a sum of n terms has the depth n."""
LARGEST = 2**31 - 1
"""The largest integer, which is also one in C++."""
CONTROL = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of characters that no code holds: controls, halves of characters, and separators of lines."""
CPP_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "alignas alignof asm auto bool break case catch char class const constexpr continue decltype default delete do "
        "double else enum explicit export extern false float for friend goto if inline int long mutable namespace new "
        "noexcept nullptr operator private protected public register restrict return short signed sizeof static struct "
        "switch template this throw true try typedef typeid typename union unsigned using virtual void volatile while "
        "cdef cpdef ctypedef cimport nogil gil NULL NAN INFINITY EOF errno std stdin stdout stderr "
        "logical_not bounded",
    )
)
"""Words that a variable in generated C++, Cython or Python cannot have as its name."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_BINARY = {ast.Add: " + ", ast.Sub: " - ", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: " % "}
_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(9)
"""How strongly operators bind, from the weakest."""


def identifier(text: str) -> str:
    """Return a name that can be a variable in Python and in C++.

    Raises
    ------
    ValueError
        If it is another text; the message goes on from the place of the text in its file.
    """
    if not _NAME.fullmatch(text) or "__" in text or len(text) > 100:
        raise ValueError(
            f"is {given(text)}; expected a name: a letter, then letters, digits and single underscores, at most 100"
        )
    if keyword.iskeyword(text) or text in CPP_KEYWORDS:
        raise ValueError(f"is '{text}', a word of Python, C++ or generated code; choose another name")
    return text


def code_lines(text: str) -> list[str]:
    r"""Return the lines of a piece of code without comments, which end at ``\n`` and at nothing else.

    Raises
    ------
    ValueError
        If the text is too long, or holds a character that code does not have.
    """
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text):,} characters; expected at most {LONGEST:,}")
    text = text.replace("\r\n", "\n").replace("\t", " ")
    for character in text:
        if character != "\n" and unicodedata.category(character) in CONTROL:
            name = unicodedata.name(character, "a control character").lower()
            raise ValueError(
                f"holds {name} (U+{ord(character):04X}) in {given(text)}; expected text whose lines end as usual"
            )
    lines = [" ".join(line.partition("#")[0].split()) for line in text.split("\n")]
    for character in "".join(lines):
        if not character.isascii():
            raise ValueError(
                f"holds {character!r} in {given(text)}; expected letters without accents, digits and operators, "
                "outside of comments"
            )
    return lines


def expression(text: str) -> str:
    """Return an expression as it is rendered from its tree; it computes the same bits.

    >>> expression("(a*b) -(c)  # comment")
    'a*b - c'

    Raises
    ------
    ValueError
        If it is none, or holds anything that expressions may not.
    """
    tree = parsed(" ".join(filter(None, code_lines(text))))
    check_constants(tree)
    return rendered(tree)


def parsed(text: str) -> ast.expr:
    """Return the tree of an expression without comments, in which no node has been checked yet."""
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth > DEEPEST:
            raise ValueError(f"is {given(text)}; expected at most {DEEPEST} brackets within each other")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deep"
        raise ValueError(f"is {given(text)}, which does not parse ({reason}); expected an expression") from None
    _check_depth(tree, text)
    return tree


def rendered(node: ast.expr) -> str:
    """Return a tree as text, in which the order of evaluation is the tree's.

    Raises
    ------
    ValueError
        If a node is not allowed.
    """
    return _rendered(node)[0]


def names_in(node: ast.AST) -> set[str]:
    """Return the names in a tree, those of functions among them."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _rendered(node: ast.expr) -> tuple[str, int]:
    """Return the text of a node, and how strongly its operator binds."""
    match node:
        case ast.Constant():
            return _number(node), _ATOM
        case ast.Name():
            return _named(node.id), _ATOM
        case ast.Call():
            return _call(node), _ATOM
        case ast.UnaryOp(op=ast.Not()):
            return f"not {_within(node.operand, _NOT)}", _NOT
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            sign = "-" if isinstance(node.op, ast.USub) else "+"
            return f"{sign}{_within(node.operand, _SIGN)}", _SIGN
        case ast.BinOp(op=ast.Pow()):
            bare = isinstance(node.right, ast.UnaryOp) and isinstance(node.right.operand, ast.Constant)
            return f"{_within(node.left, _ATOM)}**{_within(node.right, _SIGN if bare else _ATOM)}", _POWER
        case ast.BinOp() if type(node.op) in _BINARY:
            binds = _SUM if isinstance(node.op, ast.Add | ast.Sub) else _PRODUCT
            return f"{_within(node.left, binds)}{_BINARY[type(node.op)]}{_within(node.right, binds + 1)}", binds
        case ast.BoolOp():
            binds, word = (_AND, " and ") if isinstance(node.op, ast.And) else (_OR, " or ")
            return word.join(_within(value, binds + 1) for value in node.values), binds
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARE:
            left, right = _within(node.left, _SUM), _within(node.comparators[0], _SUM)
            return f"{left} {_COMPARE[type(operator)]} {right}", _COMPARISON
    raise ValueError(f"has {_described(node)}; expected numbers, names, operators and calls of functions only")


def _within(node: ast.expr, binds: int) -> str:
    """Return the text of an operand, in brackets where it binds less strongly than `binds`."""
    text, own = _rendered(node)
    return text if own >= binds else f"({text})"


def _number(node: ast.Constant) -> str:
    value = node.value
    if isinstance(value, bool):
        return repr(value)
    if isinstance(value, int) and value <= LARGEST:
        return repr(value)
    if isinstance(value, int):
        raise ValueError(f"has an integer above {LARGEST:,}; write it as 1e10 or so")
    if isinstance(value, float) and value < float("inf"):
        return repr(value)
    kind = "an infinite number" if isinstance(value, float) else _described(node)
    raise ValueError(f"has {kind}; expected numbers, names, operators and calls of functions only")


def _named(name: str) -> str:
    if name in FUNCTIONS:
        raise ValueError(f"names the function '{name}' without a bracket; expected {name}(...)")
    try:
        return identifier(name)
    except ValueError as error:
        raise ValueError(f"names a variable that {error}") from None


def _call(node: ast.Call) -> str:
    if not isinstance(node.func, ast.Name):
        what = "a number or a bracket" if not isinstance(node.func, ast.Attribute) else "an attribute"
        raise ValueError(f"calls {what} as a function; write a * before the bracket to multiply")
    name = node.func.id
    if name not in FUNCTIONS:
        close = get_close_matches(name, FUNCTIONS, n=1)
        guess = f"did you mean '{close[0]}', or " if close else ""
        raise ValueError(
            f"calls '{name[:40]}', which is no function; {guess}a * before the bracket to multiply? Functions are: "
            f"{', '.join(FUNCTIONS)}"
        )
    expected = FUNCTIONS[name].arguments
    if node.keywords or len(node.args) != expected:
        raise ValueError(f"calls {name}() with {len(node.args) + len(node.keywords)} values; expected {expected}")
    return f"{name}({', '.join(_within(argument, _OR) for argument in node.args)})"


def _check_depth(tree: ast.expr, text: str) -> None:
    layer: list[ast.AST] = [tree]
    for _ in range(2 * DEEPEST):
        layer = [child for node in layer for child in ast.iter_child_nodes(node)]
        if not layer:
            return
    raise ValueError(f"is {given(text)}, which is nested too deep; split it over several lines of equations")


def _described(node: ast.expr) -> str:
    """Return what a node is, as a user would call it."""
    if isinstance(node, ast.Compare):
        return "several comparisons in one, or a comparison of another kind than < <= > >= == !="
    if isinstance(node, ast.BinOp):
        return "an operator other than + - * / // % **"
    kinds = {
        ast.Attribute: "an attribute, with a '.'",
        ast.Subscript: "an index, in [...]",
        ast.IfExp: "'if' and 'else'",
        ast.Lambda: "'lambda'",
        ast.Tuple: "a comma outside of a call",
        ast.Starred: "a starred value",
        ast.NamedExpr: "':='",
        ast.Constant: "a text, an imaginary number, None or ...",
        ast.JoinedStr: "a text",
    }
    return kinds.get(type(node), f"what Python calls {type(node).__name__}")
