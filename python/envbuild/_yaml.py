"""The part of YAML that conda files are made of: top-level sections, of which lists can be read and replaced.

A document is cut into its top-level sections; those that nobody touches stay as they are, byte for byte. Lists are read
in block form, or in flow form on one line. What is written otherwise is refused with its line, not guessed at.
"""

import json
import re
from typing import Any, Dict, List, Optional, Tuple

_KEY = re.compile(r"""(?:"([\w.-]+)"|'([\w.-]+)'|([A-Za-z_][\w.-]*))\s*:(?=\s|$)""")
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+=<>!~,*\[\]@ -]*")
_NOT_TEXT = re.compile(
    r"[-+.]?[0-9][0-9_.eExXoO:+-]*|true|false|yes|no|on|off|null|y|n|~|\.nan|\.inf", re.IGNORECASE
)


class YamlError(ValueError):
    """A form that is not read here."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__("line {}: {}".format(line, what))


class Document:
    """Sections in the file's order: (key, lines). Lines before the first key have the key ''."""

    def __init__(self, text: str) -> None:
        self._sections: List[Tuple[str, List[str]]] = [("", [])]
        lines = text.lstrip("\ufeff").splitlines()
        for number, line in enumerate(lines, 1):
            if re.match(r"---(\s|$)", line) and all(key == "" for key, _ in self._sections):
                self._sections[-1][1].append(line)
                continue
            if not line or line[0] in " \t#" or line.startswith("- ") or line == "-":
                if line.startswith("-") and len(self._sections) == 1:
                    raise YamlError(number, "a list where a mapping is expected")
                self._sections[-1][1].append(line)
                continue
            mark = _KEY.match(line)
            if mark is None:
                raise YamlError(number, "a form of YAML that is not read here: {!r}".format(line))
            key = mark.group(1) or mark.group(2) or mark.group(3)
            if self._find(key) is not None:
                raise YamlError(number, "{} is there twice".format(key))
            self._sections.append((key, [line]))

    def _find(self, key: str) -> Optional[int]:
        return next((i for i, (name, _) in enumerate(self._sections) if name == key), None)

    def read(self, key: str) -> List[Any]:
        """The list under a key: texts, and {key: [texts]} for a nested one. Empty where there is none."""
        at = self._find(key)
        if at is None:
            return []
        first = 1 + sum(len(lines) for _, lines in self._sections[:at])
        return _read_section(self._sections[at][1], first)

    def replace(self, key: str, lines: Optional[List[str]], before: Tuple[str, ...] = ()) -> None:
        """Puts a section in the place of the one that is there, else before the first of `before`, else last."""
        at = self._find(key)
        if lines is None:
            if at is not None:
                del self._sections[at]
        elif at is not None:
            self._sections[at] = (key, lines + _trailing(self._sections[at][1]))
        else:
            places = [i for i in map(self._find, before) if i is not None]
            self._sections.insert(min(places) if places else len(self._sections), (key, lines))

    def to_text(self) -> str:
        lines = [line for _, section in self._sections for line in section]
        return "\n".join(lines) + "\n" if lines else ""


def from_mapping(mapping: Dict[str, Any]) -> str:
    """Block YAML of a conda environment that was given as JSON."""
    lines: List[str] = []
    for key, value in mapping.items():
        if isinstance(value, list):
            lines += [key + ":"] + dump_list(value, 2)
        elif isinstance(value, dict):
            lines += [key + ":"] + ["  {}: {}".format(quote(str(k)), quote(_text(v))) for k, v in value.items()]
        elif value is not None:
            lines.append("{}: {}".format(key, quote(_text(value))))
    return "\n".join(lines) + "\n" if lines else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def quote(text: str) -> str:
    """A scalar that YAML reads as this text; a JSON string is one."""
    if _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text) and text == text.strip():
        return text
    return json.dumps(text, ensure_ascii=False)


def dump_list(items: List[Any], indent: int) -> List[str]:
    lines: List[str] = []
    for item in items:
        if isinstance(item, dict):
            for key, nested in item.items():
                lines.append("{}- {}:".format(" " * indent, key))
                lines += dump_list(nested, indent + 4)
        else:
            lines.append("{}- {}".format(" " * indent, quote(_text(item))))
    return lines


def _trailing(lines: List[str]) -> List[str]:
    """Empty lines and comments in the first column that end a section: they belong to the next."""
    at = len(lines)
    while at > 1 and (not lines[at - 1].strip() or lines[at - 1].startswith("#")):
        at -= 1
    return lines[at:]


def _read_section(lines: List[str], first: int) -> List[Any]:
    mark = _KEY.match(lines[0])
    rest = _strip_comment(lines[0][mark.end() if mark else 0 :], first)
    body = [(first + i, line) for i, line in enumerate(lines) if i > 0 and line.strip() and line.lstrip()[0] != "#"]
    if rest and body:
        raise YamlError(body[0][0], "a form of YAML that is not read here; write one item a line, with '- ' before it")
    if rest in ("", "~", "null"):
        items, end = _read_block(body, 0, -1)
        if end != len(body):
            raise YamlError(body[end][0], "this line's indentation fits no list")
        return items
    return _read_flow(rest, first)


def _read_block(body: List[Tuple[int, str]], at: int, above: int) -> Tuple[List[Any], int]:
    items: List[Any] = []
    indent: Optional[int] = None
    while at < len(body):
        number, line = body[at]
        here = len(line) - len(line.lstrip(" "))
        if here <= above or (indent is not None and here < indent):
            break
        if indent is None:
            indent = here
        dash = re.match(r"-(\s+|$)", line[here:])
        if here != indent or dash is None:
            raise YamlError(number, "a list's item is expected here, '- ' and a text, below the one before")
        text = _strip_comment(line[here + dash.end() :], number)
        at += 1
        key = _KEY.fullmatch(text)
        if key is None:
            items.append(_read_scalar(text, number))
            continue
        # A nested list may stand as deep as its own key, which is behind the dash.
        nested, at = _read_block(body, at, here)
        items.append({key.group(1) or key.group(2) or key.group(3): nested})
    return items, at


def _read_scalar(text: str, number: int) -> str:
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except ValueError:
            raise YamlError(number, "a quoted text that is not read here: {}".format(text)) from None
        return str(value)
    if text.startswith("'"):
        if not re.fullmatch(r"'(?:[^']|'')*'", text):
            raise YamlError(number, "a quoted text that is not read here: {}".format(text))
        return text[1:-1].replace("''", "'")
    if not text or text[0] in "{}[]&*!|>%@`?," or re.search(r":(\s|$)", text):
        raise YamlError(number, "a form of YAML that is not read here: {!r}".format(text))
    return text


def _strip_comment(text: str, number: int) -> str:
    text = text.strip()
    if text[:1] in ("'", '"'):
        mark = re.match(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*:?(\s+#.*|\s*)$""", text)
        if mark is None:
            raise YamlError(number, "a quoted text that is not read here: {}".format(text))
        return text[: mark.start(2)].rstrip()
    return re.sub(r"(^|\s)#.*$", "", text).rstrip()


def _read_flow(text: str, number: int) -> List[Any]:
    """[a, 'b', "c"] on one line. A plain text ends at a comma."""
    if not (text.startswith("[") and text.endswith("]")):
        raise YamlError(number, "a list is expected here")
    inner = text[1:-1].strip()
    items: List[Any] = []
    while inner:
        mark = re.match(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,\[\]{}"']+)\s*(?:,\s*|$)""", inner)
        if mark is None:
            raise YamlError(number, "a form of YAML that is not read here: {!r}".format(inner))
        items.append(_read_scalar(mark.group(1).strip(), number))
        inner = inner[mark.end() :]
    return items
