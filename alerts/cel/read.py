"""CEL text, read into the condition tree: a parser by precedence that knows the subset and refuses the rest by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.cel.names import RESERVED, field_of
from alerts.cel.tokens import MAX_INTEGER, Token, refused, tokens
from alerts.condition import parse
from alerts.errors import InvalidCondition

MAX_DEPTH = 50
MAX_LIST = 100

COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
# The same, when the constant stands before the field.
_TURNED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
METHODS = {"startsWith": "prefix", "endsWith": "suffix", "contains": "contains"}
_WRITTEN = {op: sign for sign, op in COMPARISONS.items()} | {op: f"{name}()" for name, op in METHODS.items()}
_WORDS = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!"}
_KNOWN = "There are has(a.b), a.startsWith(…), a.endsWith(…) and a.contains(…)"
_REFUSED = {
    "matches": "A condition has no regular expressions: startsWith, endsWith and contains are there",
    **dict.fromkeys(
        ("all", "exists", "exists_one", "map", "filter"),
        'A condition does not walk through arrays with a macro: "x" in a.b asks an array for one value',
    ),
    "size": "A condition does not count elements or characters: size() is not there",
}


@dataclass(frozen=True, slots=True)
class _Field:
    at: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Constant:
    at: int
    value: Any


@dataclass(frozen=True, slots=True)
class _Condition:
    at: int
    tree: dict[str, Any]


_Node = _Field | _Constant | _Condition


def read_cel(text: str) -> dict[str, Any]:
    """The condition tree that CEL text says.

    Raises InvalidCondition with `line` and `column` for what is no CEL, and for what a condition tree cannot say.
    """
    reader = _Reader(text)
    tree = reader.read()
    try:
        parse(tree)
    except InvalidCondition as error:
        at = reader.place_of(tree, str(error.facts["pointer"]))
        raise reader.refused(at, _in_cel(error.sentence)) from None
    return tree


def _in_cel(sentence: str) -> str:
    """What is wrong with an operator of the tree, by the name that the text has for it."""
    for op, written in _WRITTEN.items():
        if sentence.startswith(f'"{op}" '):
            return written + sentence.removeprefix(f'"{op}"')
    return sentence


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens(text))
        self._next = 0
        self._depth = 0
        # Where in the text a tree, by its identity, and its parts stand.
        self._places: dict[tuple[int, str], int] = {}
        # Nothing made is let go, so no identity is given twice.
        self._kept: list[object] = []

    def refused(self, at: int, sentence: str) -> InvalidCondition:
        return refused(self._text, at, sentence)

    def read(self) -> dict[str, Any]:
        if self._ended():
            raise self.refused(0, "Nothing is said here: `true` is every event")
        tree = self._tree(self._either())
        if not self._ended():
            raise self._unexpected()
        return tree

    def place_of(self, tree: Any, pointer: str) -> int:
        """Where in the text the thing stands that a JSON Pointer into the tree leads to, or what holds it."""
        at = self._places.get((id(tree), ""), 0)
        for part in pointer.split("/")[1:]:
            at = self._places.get((id(tree), part), at)
            if isinstance(tree, list):
                tree = tree[int(part)]
            elif isinstance(tree, dict):
                tree = tree[part]
            at = self._places.get((id(tree), ""), at)
        return at

    # --- tokens -------------------------------------------------------------------------------

    @property
    def _now(self) -> Token:
        return self._tokens[self._next]

    def _ended(self) -> bool:
        return self._now.kind == "end"

    def _take(self) -> Token:
        token = self._now
        self._next += 1
        return token

    def _is(self, *symbols: str) -> bool:
        return self._now.kind == "symbol" and self._now.text in symbols

    def _took(self, symbol: str) -> bool:
        if self._is(symbol):
            self._next += 1
            return True
        return False

    def _expect(self, symbol: str, after: str) -> None:
        if not self._took(symbol):
            raise self.refused(self._now.at, f"Here {symbol} is missing, {after}")

    def _unexpected(self) -> InvalidCondition:
        token = self._now
        if token.kind == "end":
            return self.refused(token.at, "The text ends where a field, a constant or a condition is missing")
        if token.text in _WORDS:
            return self.refused(token.at, f"Write {_WORDS[token.text]} for {token.text}")
        if isinstance(token.value, int | float) and token.text.startswith("."):
            return self.refused(
                token.at, "An element of an array is written in brackets, as in metadata.errors[0]"
            )
        return self.refused(token.at, f"{token.text} does not fit here")

    # --- conditions ---------------------------------------------------------------------------

    def _either(self) -> _Node:
        return self._joined("||", "any", self._both)

    def _both(self) -> _Node:
        return self._joined("&&", "all", self._related)

    def _joined(self, symbol: str, word: str, read: Callable[[], _Node]) -> _Node:
        first = read()
        if not self._is(symbol):
            return first
        parts = [self._tree(first)]
        while self._took(symbol):
            parts.append(self._tree(read()))
        return self._made(first.at, {word: parts})

    def _made(self, at: int, tree: dict[str, Any], **parts: int) -> _Condition:
        self._put(tree, at, parts)
        return _Condition(at, tree)

    def _put(self, made: object, at: int, parts: Mapping[str, int]) -> None:
        self._kept.append(made)
        self._places[id(made), ""] = at
        self._places |= {(id(made), name): place for name, place in parts.items()}

    def _tree(self, node: _Node) -> dict[str, Any]:
        """What stands where a condition does."""
        if isinstance(node, _Condition):
            return node.tree
        if isinstance(node, _Field):
            return self._test(node, "eq", _Constant(node.at, True), node.at).tree
        if node.value is True:
            return self._made(node.at, {"all": []}).tree
        if node.value is False:
            raise self.refused(node.at, "`false` matches nothing: leave it out")
        raise self.refused(node.at, "A constant alone is no condition: compare a field with it")

    def _test(self, field: _Field, op: str, value: _Constant, at: int) -> _Condition:
        tree = {"field": field_of(field.path), "op": op, "value": value.value}
        return self._made(field.at, tree, field=field.at, op=at, value=value.at)

    def _related(self) -> _Node:
        left = self._unary()
        if not (self._is(*COMPARISONS) or self._now.text == "in"):
            self._no_sum()
            return left
        sign = self._take()
        right = self._unary()
        self._no_sum()
        if self._is(*COMPARISONS) or self._now.text == "in":
            raise self.refused(self._now.at, "A comparison is not compared again: join two with &&")
        return self._compared(left, sign, right)

    def _no_sum(self) -> None:
        if self._is("-"):
            raise self.refused(self._now.at, "A condition does not reckon: compare a field with a constant")

    def _compared(self, left: _Node, sign: Token, right: _Node) -> _Node:
        if isinstance(left, _Condition) or isinstance(right, _Condition):
            raise self.refused(
                sign.at, "A condition is not compared: say it as it is, or !(…) for its opposite"
            )
        if isinstance(left, _Field) and isinstance(right, _Field):
            raise self.refused(sign.at, "Two fields are not compared with each other: one side is a constant")
        if isinstance(left, _Field):
            assert isinstance(right, _Constant)
            op = COMPARISONS.get(sign.text, "in")
            return self._with_null(left, sign, right) or self._test(left, op, right, sign.at)
        if not isinstance(right, _Field):
            raise self.refused(sign.at, "Two constants are compared here: one side is a field of the event")
        if sign.text == "in":
            return self._test(right, "contains", left, sign.at)
        op = COMPARISONS[sign.text]
        return self._with_null(right, sign, left) or self._test(right, _TURNED.get(op, op), left, sign.at)

    def _with_null(self, field: _Field, sign: Token, constant: _Constant) -> _Node | None:
        """Missing and null are one, so a comparison with null asks whether the field is there."""
        if constant.value is not None or sign.text not in {"==", "!="}:
            return None
        return self._test(field, "exists", _Constant(constant.at, sign.text == "!="), sign.at)

    # --- what conditions are made of ----------------------------------------------------------

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.refused(self._now.at, f"CEL text nests at most {MAX_DEPTH} levels deep")

    def _unary(self) -> _Node:
        if self._is("-"):
            return self._negative()
        if not self._is("!"):
            return self._member()
        sign = self._take()
        self._deeper()
        node = self._unary()
        self._depth -= 1
        if isinstance(node, _Field):
            return self._test(node, "eq", _Constant(node.at, False), sign.at)
        inner = self._tree(node)
        # What has its opposite as an operator is written with it.
        if inner.get("op") == "exists":
            return self._turned(sign.at, inner, "exists", not inner["value"])
        if inner.get("op") == "in":
            return self._turned(sign.at, inner, "not_in", inner["value"])
        return self._made(sign.at, {"not": inner})

    def _turned(self, at: int, test: dict[str, Any], op: str, value: Any) -> _Condition:
        places = {name: self._places[id(test), name] for name in ("field", "op", "value")}
        return self._made(at, {"field": test["field"], "op": op, "value": value}, **places)

    def _negative(self) -> _Node:
        sign = self._take()
        number = self._take() if self._now.kind == "constant" else None
        if number is None or isinstance(number.value, bool) or not isinstance(number.value, int | float):
            raise self.refused(sign.at, "A minus stands before a number only")
        return _Constant(sign.at, -number.value)

    def _member(self) -> _Node:
        node = self._primary()
        while self._is(".", "["):
            if self._took("."):
                name = self._take()
                if name.kind != "name" or name.text == "in":
                    raise self.refused(
                        name.at, 'After a point stands a name; other keys are written as in a["a key"]'
                    )
                if self._is("("):
                    return self._method(node, name)
                node = self._below(node, name.at, name.text)
            else:
                self._take()
                node = self._below(node, self._now.at, self._key())
        return node

    def _below(self, node: _Node, at: int, part: str) -> _Field:
        if not isinstance(node, _Field):
            raise self.refused(at, "Only fields of the event have members and elements")
        return _Field(node.at, (*node.path, part))

    def _key(self) -> str:
        token = self._take()
        if isinstance(token.value, bool) or not isinstance(token.value, str | int):
            raise self.refused(
                token.at, 'In brackets stands a key, as in a["a key"], or the number of an element'
            )
        self._expect("]", "which ends the brackets")
        return str(token.value)

    def _primary(self) -> _Node:
        token = self._now
        if token.kind == "constant":
            self._take()
            if isinstance(token.value, int) and token.value > MAX_INTEGER:
                raise self.refused(
                    token.at, "A whole number of CEL has 64 bits: write it as a double, as in 1e30"
                )
            return _Constant(token.at, token.value)
        if token.kind == "name" and token.text not in {"in", *_WORDS}:
            self._take()
            return self._call(token) if self._is("(") else self._named(token)
        if self._is("(", "["):
            self._deeper()
            node = self._list() if self._took("[") else self._bracketed()
            self._depth -= 1
            return node
        raise self._unexpected()

    def _named(self, token: Token) -> _Field:
        if token.text in RESERVED:
            raise self.refused(token.at, f"CEL reserves the word {token.text}: no field is called so")
        return _Field(token.at, (token.text,))

    def _bracketed(self) -> _Node:
        self._take()
        node = self._either()
        self._expect(")", "which ends the parentheses")
        return node

    def _list(self) -> _Constant:
        at = self._tokens[self._next - 1].at
        items: list[_Constant] = []
        while not self._is("]"):
            item = self._unary()
            if not isinstance(item, _Constant):
                raise self.refused(item.at, "A list here holds constants only")
            if len(items) == MAX_LIST:
                raise self.refused(
                    item.at, f"A list in CEL text has at most {MAX_LIST} values; a tree takes more"
                )
            items.append(item)
            if not self._took(","):
                break
        self._expect("]", "which ends the list")
        values = [item.value for item in items]
        self._put(values, at, {str(index): item.at for index, item in enumerate(items)})
        return _Constant(at, values)

    # --- functions ----------------------------------------------------------------------------

    def _method(self, node: _Node, name: Token) -> _Node:
        if name.text not in METHODS:
            raise self._unknown(name)
        if not isinstance(node, _Field):
            raise self.refused(name.at, f"{name.text}() is asked of a field of the event, not of a constant")
        asked = self._argument(name)
        if not isinstance(asked, _Constant):
            raise self.refused(asked.at, f"{name.text}() takes a constant")
        return self._test(node, METHODS[name.text], asked, name.at)

    def _call(self, name: Token) -> _Node:
        if name.text != "has":
            raise self._unknown(name)
        field = self._argument(name)
        if not isinstance(field, _Field):
            raise self.refused(field.at, "has() takes a field, as in has(metadata.tags.team)")
        return self._test(field, "exists", _Constant(field.at, True), name.at)

    def _argument(self, name: Token) -> _Node:
        self._take()
        if self._is(")"):
            raise self.refused(self._now.at, f"{name.text}() takes one thing")
        node = self._unary()
        if not self._is(")"):
            raise self.refused(self._now.at, f"{name.text}() takes one field or one constant, and then )")
        self._take()
        return node

    def _unknown(self, name: Token) -> InvalidCondition:
        return self.refused(
            name.at, _REFUSED.get(name.text, f"There is no function {name.text}() here. {_KNOWN}")
        )
