"""Values, texts and bytes that nobody meant to write, made from a seed."""

import json

NUMBERS = [0, -1, 1, 2, 3, 0.5, 1e300, -1e300, float("nan"), float("inf"), 2**31, 2**63, 10**25, 1e-300]
STRINGS = ["", "a", "\0", "'", '"', "é" * 50, "犬", "\u200b", "a" * 5000, "../x", "nan", "[", "\ud800", "%s{0}\n", "-1", "\x1b[2J"]
VALUES = [*NUMBERS, *STRINGS, None, True, False, [], {}, [[]], {"a": 1}, [1] * 50]


def deep(rng):
    return "[" * rng.choice((50, 5000, 200_000))


def damaged_bytes(rng, content):
    """Content with bytes flipped, cut out, repeated, exchanged or appended."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place = rng.randrange(len(content) + 1)
        length = rng.choice((1, 2, 4, 8, 64, 1000))
        kind = rng.randrange(6)
        if kind == 0:
            content = content[:place]
        elif kind == 1:
            content[place : place + length] = rng.randbytes(length)
        elif kind == 2:
            del content[place : place + length]
        elif kind == 3:
            content[place:place] = content[place : place + length] * rng.choice((1, 2, 100))
        elif kind == 4:
            content[place : place + 4] = rng.choice((0, 1, 2**31 - 1, 2**32 - 1)).to_bytes(4, rng.choice(("little", "big")))
        else:
            content[place : place + 1] = rng.choice((b"\0", b"\xff", b'"', b",", b"\n", b"{", b"-", b"9"))
    return bytes(content)


def damaged_value(rng, value):
    """A JSON value with something in it replaced, left out or renamed."""
    if rng.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return rng.choice(VALUES)
    copy = dict(value) if isinstance(value, dict) else list(value)
    place = rng.choice(list(copy)) if isinstance(copy, dict) else rng.randrange(len(copy))
    kind = rng.randrange(5)
    if kind == 0:
        del copy[place]
    elif kind == 1 and isinstance(copy, dict):
        copy[rng.choice(STRINGS)] = copy.pop(place)
    else:
        copy[place] = damaged_value(rng, copy[place])
    return copy


def damaged_json(rng, value):
    """A JSON text that is damaged as a value, as bytes, or nested too deeply."""
    kind = rng.randrange(10)
    if kind == 0:
        return deep(rng).encode()
    text = json.dumps(value).encode()
    return damaged_bytes(rng, text) if kind < 4 else json.dumps(damaged_value(rng, value)).encode("utf-8", "surrogatepass")


def damaged_text(rng):
    """A sentence of odd words."""
    letters = [chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x2000, 0x2070), rng.randrange(1, 0xD7FF)))) for _ in range(30)]
    words = [
        rng.choice((*STRINGS, "dog", "man", "".join(letters), "a" * rng.choice((100, 20_000, 60_000))))
        for _ in range(rng.choice((0, 1, 3, 25)))
    ]
    return rng.choice((" ", "", "\n", ",")).join(words)
