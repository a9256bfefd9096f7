"""What a caller should never send: pieces of JSON, whole bodies, times, ids, texts of a query.

Pieces are the bytes themselves, because much of what is wrong here no JSON library would write.
"""

from typing import Final
from urllib.parse import quote

MAX: Final = 2**53 - 1
BODY_LIMIT: Final = 64 * 1024

# No JSON, or JSON that could be read two ways: the body as a whole is refused.
UNREADABLE: Final[dict[str, bytes]] = {
    "1e99999999999999999999": b"1e99999999999999999999",
    "5000 digits": b"9" * 5_000,
    "leading zero": b"05",
    "plus": b"+5",
    "hexadecimal": b"0x5",
    "full-width digit": "５".encode(),
    "single quotes": b"'m-1'",
    "nothing": b"",
    "encoded surrogate": b'"m\xed\xa0\x80"',
    "raw NUL": b'"m-1\x00"',
    "raw control character": b'"m\n1"',
    "not UTF-8": b'"m-1\xff"',
    "overlong encoding": b'"\xc0\xae\xc0\xae/"',
    "5000 arrays": b"[" * 5_000 + b"]" * 5_000,
    "5000 objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
}

# JSON that is wrong in whatever place it stands.
NEVER_RIGHT: Final[dict[str, bytes]] = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1.0": b"1.0",
    "1.5": b"1.5",
    "1e3": b"1e3",
    "1E+2": b"1E+2",
    "-0.0": b"-0.0",
    "1e-400": b"1e-400",
    "1e400": b"1e400",
    "4000 digits": b"9" * 4_000,
    "lone high surrogate": b'"m\\ud800"',
    "lone low surrogate": b'"m\\udfff"',
    "surrogates in reverse": b'"\\udc00\\ud800"',
    "surrogate as key": b'{"m\\ud800": 1}',
    "surrogate deep inside": b'[{"a": ["\\udbff"]}]',
    "NUL": b'"\\u0000"',
    "text and NUL": b'"m-1\\u0000"',
    "NUL as key": b'{"\\u0000": 1}',
    "same key twice": b'{"a": 1, "a": 1}',
    "same key twice by escape": b'{"a": 1, "\\u0061": 2}',
    "21 arrays": b"[" * 21 + b"]" * 21,
}

# Wrong in most places; where the document calls one valid it is left out.
MOSTLY_WRONG: Final[dict[str, bytes]] = {
    "null": b"null",
    "true": b"true",
    "false": b"false",
    "0": b"0",
    "-0": b"-0",
    "-1": b"-1",
    "1": b"1",
    "2^53-1": b"%d" % MAX,
    "2^53": b"%d" % (MAX + 1),
    "2^63-1": b"%d" % (2**63 - 1),
    "2^63": b"%d" % 2**63,
    "-2^63": b"%d" % -(2**63),
    "2^64": b"%d" % 2**64,
    '"5"': b'"5"',
    '"true"': b'"true"',
    '"null"': b'"null"',
    "full-width text": '"１２"'.encode(),
    "empty text": b'""',
    "blank text": b'" "',
    "text with a line end": b'"m-1\\n"',
    "text with a blank": b'"m 1"',
    "way up": b'"../m-1"',
    "257 characters": b'"%b"' % (b"x" * 257),
    "5000 characters": b'"%b"' % (b"x" * 5_000),
    "escape of a text direction": b'"\\u202e"',
    "[]": b"[]",
    "[null]": b"[null]",
    "[1]": b"[1]",
    "{}": b"{}",
    '{"a": 1}': b'{"a": 1}',
    '{"amount": 1}': b'{"amount": 1}',
}

BAD_TIMES: Final = (
    "2026-11-01T10:00:00",
    "2026-11-01 10:00:00Z",
    "2026-11-01T10:00:00 Z",
    "2026-11-01T10:00Z",
    "2026-11-01T10:00:00z+08:00",
    "2026-11-01T10:00:00+0800",
    "2026-11-01T10:00:00+08",
    "2026-11-01T10:00:00+99:00",
    "2026-11-01T10:00:00+24:00",
    "2026-11-01T10:00:00+08:60",
    "2026-11-01T24:00:00Z",
    "2026-11-01T25:00:00Z",
    "2026-11-01T10:60:00Z",
    "2026-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "-2026-11-01T10:00:00Z",
    "+2026-11-01T10:00:00Z",
    "20261101T100000Z",
    "2026-W44-7T10:00:00Z",
    "2026-305T10:00:00Z",
    "２０２６-11-01T10:00:00Z",
    "2026-11-01T10:00:00.Z",
    "2026-11-01T10:00:00,5Z",
    "2026-11-01T10:00:00.1234567890Z",
    "2026-11-01T10:00:00Z\n",
    " 2026-11-01T10:00:00Z",
    "now",
    "1793491200",
    "",
)

BAD_DAYS: Final = (
    "2026-02-30",
    "2026-13-01",
    "2026-1-1",
    "20260101",
    "0000-01-01",
    "10000-01-01",
    "today",
    "",
)

# Percent-encoded, as they stand in an address. None of them is an id, whatever it is to be an id of.
BAD_IDS: Final = (
    "..%2Fm-1",
    "%2e%2e%2fm-1",
    "%2e%2e%5cm-1",
    "%252e%252e%252f",
    "..;",
    "%00",
    "m-1%00",
    "m%0A1",
    "m-1%0A",
    "m%0D%0AX-Header:1",
    "m%201",
    "%20",
    "m-1%09",
    "m+1",
    "%EF%BC%91%EF%BC%92",
    "%C3%A9",
    "%FF",
    "%ED%A0%80",
    "%C0%AE%C0%AE",
    "%",
    "%zz",
    "%u0041",
    "x" * 65,
    "x" * 97,
    "x" * 3_000,
    "m-1'--",
    "m-1%22",
    "%3Cscript%3E",
    "*",
    "m-1,m-2",
    "%7B%7D",
)

# Percent-encoded values of a query parameter that is a number, a truth, a time, an id.
BAD_NUMBERS: Final = (
    *("", "%20", "-1", "%2B1", "01", "1.0", "1e1", "0x1", "1_0", "%EF%BC%91", "%D9%A1", "NaN", "null"),
    *(str(2**53), str(2**63), str(2**64), "9" * 5_000, "1%00", "1%0A", "%FF", "1,2", "true"),
)
BAD_TRUTHS: Final = (
    "",
    "1",
    "0",
    "True",
    "FALSE",
    "yes",
    "on",
    "null",
    "true%00",
    "true%0A",
    "%FF",
    "tru%C3%A9",
)
BAD_CURSORS: Final = ("%00", "%FF", "%C3%A9", "x", "====", "AAAA", "x" * 65, "x" * 3_000, "..%2F", "%0A", "")

# Whole bodies that no route reads, whatever it takes.
BAD_BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "blank": b" \n",
    "null": b"null",
    "true": b"true",
    "number": b"5",
    "text": b'"m-1"',
    "array": b"[]",
    "array of an object": b"[{}]",
    "unclosed": b'{"a": 1',
    "two": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "comment": b"{} // one",
    "form": b"member_id=m-1&points=5",
    "xml": b"<points>5</points>",
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": "{}".encode("utf-16"),
    "utf-32": "{}".encode("utf-32"),
    "not UTF-8": b"{\xff}",
    "NUL": b"\x00",
    "NUL behind": b"{}\x00",
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 20,
    "surrogate as key": b'{"\\ud800": 1}',
    "NUL as key": b'{"\\u0000": 1}',
    "empty key": b'{"": 1}',
    "prototype": b'{"__proto__": {"points": 5}}',
    "deep unclosed arrays": b'{"a":' + b"[" * 60_000,
    "deep arrays": b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "100000 arrays": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(5_000)) + b"}",
}


def encoded(text: str) -> str:
    """A text as it stands in a query string."""
    return quote(text, safe="")
