"""The colours are legible: WCAG 2.2 AA contrast of every pair that meets, in both themes."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "registry/static/registry"
STYLE = (STATIC / "style.css").read_text(encoding="utf-8")
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLE)
}
GROUNDS = ["canvas", "surface", "raised", "sunken", "hover"]
TEXT = [(text, ground) for text in ("text", "muted", "accent", "good", "warn", "bad") for ground in GROUNDS]
SOFT = [(tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "info", "quiet")]
ON_SOFT = [("text", f"{tone}-soft") for tone in ("good", "warn", "bad", "info")]
FILLED = [("on-fill", fill) for fill in ("accent-fill", "accent-fill-hover", "bad-fill")]
CODE = [(f"code-{kind}", "sunken") for kind in ("key", "string", "number", "literal")]
SELECTED = [("accent", "selected")]
EDGES = [(edge, ground) for edge in ("control-line", "focus") for ground in ("canvas", "surface", "sunken")]
PARTS = [(f"part-{part}", "surface") for part in ("1", "2", "3", "4", "5", "rest")]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground"), TEXT + SOFT + ON_SOFT + FILLED + CODE + SELECTED)
def test_text_stands_out_from_its_ground(front, ground, theme):
    assert contrast(TOKENS[front][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("edge", "ground"), EDGES + PARTS)
def test_edges_of_controls_the_focus_ring_and_parts_of_charts_are_seen(edge, ground, theme):
    assert contrast(TOKENS[edge][theme], TOKENS[ground][theme]) >= 3


def test_colours_are_written_in_the_tokens_only():
    rules = STYLE[STYLE.index("/* Elements") :]
    outside = re.findall(r"(?<!light-dark\()#[0-9a-fA-F]{3,8}\b", rules)
    assert [
        colour for colour in outside if f"light-dark({colour}" not in rules and f", {colour})" not in rules
    ] == []


def test_every_script_is_small():
    for script in (STATIC / "js").glob("*.js"):
        assert len(script.read_text(encoding="utf-8").splitlines()) < 150, script
