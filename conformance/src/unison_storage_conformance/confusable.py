"""Names and values that a store may mistake for each other, or stumble over. Which law they break is for ``laws``."""

from __future__ import annotations

from typing import Final

from unison_storage.addresses import MAX_KEY_BYTES, MAX_SEGMENT_BYTES

PAIRS: Final[tuple[tuple[str, str], ...]] = (
    ("a", "A"),  # case
    ("straße", "strasse"),  # case folding
    ("i", "\u0131"),  # dotless i, as Turkish folds it
    ("k", "\u212a"),  # the Kelvin sign lower-cases to k
    ("\u00e9", "e\u0301"),  # composed and decomposed: NFC, NFD
    ("\ufb01", "fi"),  # a ligature: NFKC
    ("\uff11", "1"),  # full width: NFKC, and a digit to isdigit
    ("a", "a "),  # padding at the end: CHAR columns, strip
    ("a", " a"),
    ("a b", "a  b"),
    ("a", "ab"),  # one begins the other
    ("a", "aa"),
    ("ab", "a%"),  # LIKE
    ("ab", "a_"),
    ("ab", "a*"),  # GLOB, KEYS
    ("ab", "a?"),
    ("ab", "a[b]"),
    ("ab", "a[a-z]"),
    ("a", "a\\"),  # escapes
    ("a'", "a''"),
    ('a"', 'a\\"'),
    ("a", "{a}"),  # hash tags
    ("a:b", "a/b"),  # separators of other encodings
    ("a:b", "a\\:b"),
    ("a:", "a::"),
    ("a.b", "a"),
    ("a|b", "a"),
    ("a%2Fb", "a/b"),  # percent-encoding, decoded once too often
    ("a+b", "a b"),
    ("a\u00a0", "a "),  # a space that is none
    ("a\u200b", "a"),  # zero width
    ("a\u00ad", "a"),  # soft hyphen
    ("\ufeffa", "a"),  # byte order mark
    ("1", "01"),  # numbers
    ("1", "1.0"),
    ("1", "+1"),
    ("1e1", "10"),
    ("true", "True"),
    ("null", "None"),
    ("0", "false"),
    ("10", "9"),  # order of numbers, order of bytes
    ("\ufffd", "\U00010000"),  # order of UTF-8, order of UTF-16
    ("\U0001f600", "\U0001f601"),
    ("__proto__", "proto"),
    ("a\u2028", "a"),  # line separators
    ("key", "key."),
    ("k" * 64, "k" * 64 + "x"),  # cut at 64, 100, 128, 191, 250, 255
    ("k" * 100, "k" * 100 + "x"),
    ("k" * 128, "k" * 128 + "x"),
    ("k" * 191, "k" * 191 + "x"),
    ("k" * 250, "k" * 250 + "x"),
)
"""Pairs of names that are two: a store that folds, normalises, strips, cuts or interprets makes them one."""

LONG_KEYS: Final = tuple(
    ("k" * (size - 1) + "x", "k" * (size - 1) + "y") for size in (255, 256, 512, 767, 1_000, MAX_KEY_BYTES)
)
"""Pairs of keys that differ in their last byte, up to the longest there is."""

WIDE_KEY: Final = "\u20ac" * (MAX_KEY_BYTES // 3)
"""A key of many bytes and fewer characters."""

LONG_SEGMENT: Final = "s" * MAX_SEGMENT_BYTES

NAMES: Final[tuple[str, ...]] = tuple(dict.fromkeys(name for pair in PAIRS for name in pair))

NAMESPACES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("a",),
    ("a", "b"),
    ("a", "b", "c"),
    ("ab",),
    ("a:b",),
    ("a/b",),
    ("a.b",),
    ("a b",),
    ("a ",),
    ("A",),
    ("%",),
    ("_",),
    ("*",),
    ("a", "%"),
    ("a*",),
    ("a", "a"),
    ("\u00e9",),
    ("e\u0301",),
    ("!",),  # sorts right after the separator of segments
    ("a!",),
    ("\U00010000",),
    ("\ufffd",),
)
"""Namespaces of which none lies below another by mistake alone."""

SPLITS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (("a", "b:c"), ("a:b", "c")),
    (("a", "b/c"), ("a/b", "c")),
    (("a", "b.c"), ("a.b", "c")),
    (("a", "b|c"), ("a|b", "c")),
    (("a", "bc"), ("ab", "c")),
    (("a", "b,c"), ("a,b", "c")),
    (("a", "b", "c"), ("a", "b c")),
    (("a", "b", "c"), ("a", "b\u2400c")),
    (("a", "a", "b"), ("a", "ab")),
)
"""Pairs of addresses, segments and key, that become one where parts are joined without care."""

BYTES: Final[tuple[bytes, ...]] = (
    b"",
    b"0",
    b"null",
    b"{}",
    b"[]",
    b'""',
    b"false",
    b" ",
    b"\x00",
    b"a\x00b",
    b"a\x00",
    b"\n",
    b"line\r\nline",
    b"\xff\xfe\x80",  # no UTF-8
    bytes(range(256)),
    "\u20ac\U0001f600".encode(),
    b'{"n":9007199254740993}',  # 2^53 + 1
    b"9007199254740993",
    b"1.0",
    b"1e400",
    b"-0",
    b"007",
    b" 1",
    b"%s %d %(x)s {} $1 :a ?",
    b"'; DROP TABLE memory; --",
    b"x" * 255,
    b"x" * 256,
    b"x" * 4_096,
    b"x" * 65_535,
    b"x" * 65_536,
    b"ab" * 100_000,
)
"""Values that are kept as they are, or not at all."""

COUNTERS: Final = (0, 1, -1, 9, -10, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
"""Numbers that a counter can hold."""

NO_COUNTERS: Final[tuple[bytes, ...]] = (
    *(
        b"",
        b" ",
        b"a",
        b"1.0",
        b"1e3",
        b"+1",
        b"01",
        b"-0",
        b"--1",
        b"-",
        b" 1",
        b"1 ",
        b"1\n",
        b"1_000",
        b"0x1",
        b'"1"',
    ),
    *(b"null", b"true", b"\xd9\xa1", "\u0661".encode(), b"9223372036854775808", b"-9223372036854775809"),
    b"1" * 40,
)
"""Values that no counter holds."""

IDS: Final[tuple[tuple[str, str], ...]] = (
    ("a", "A"),
    ("a", "aa"),
    ("a_c", "abc"),  # LIKE
    ("a.c", "abc"),  # regular expressions
    ("a.b", "a:b"),
    ("a/b", "a:b"),
    ("a-b", "a_b"),
    ("a/b", "a"),
    ("1", "01"),
    ("1", "1.0"),
    ("10", "9"),  # order of numbers, order of bytes
    ("1e1", "10"),
    ("true", "True"),
    ("i" * 64, "i" * 65),
    ("i" * 127 + "x", "i" * 127 + "y"),
)
"""Pairs of ids, as their grammar allows them, that are two."""

NUMBERS: Final[tuple[int | float, ...]] = (
    0,
    1,
    1.0,
    0.0,
    0.5,
    0.1,
    2**31,
    2**53,
    253_402_300_799,
    1_700_000_000.25,
    1 / 3,
)
"""Numbers as times and scores have them."""
