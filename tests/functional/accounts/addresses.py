"""Addresses as people, and others, type them."""

from __future__ import annotations

# Each is refused wherever an address is typed, and nobody gets a mail.
NO_ADDRESSES = [
    "susan@example.com\r\nBcc: victim@example.org",
    "susan@example.com\nBcc: victim@example.org",
    "susan@example.com\rBcc: victim@example.org",
    "victim@example.org\r\n\r\nsusan@example.com",
    "susan@example.com\u2028Bcc: victim@example.org",
    "susan@example.com\0@example.org",
    "susan@example.com%0d%0aBcc:victim@example.org",
    "susan@example.com,victim@example.org",
    "susan@example.com;victim@example.org",
    "susan@example.com victim@example.org",
    "susan@example.com <victim@example.org>",
    "Susan <victim@example.org>",
    f"{'s' * 300}@example.com",
    f"susan@{'d' * 300}.example",
    f"susan@{'d.' * 150}example",
    '"susan smith"@example.com',
    '"susan"@example.com',
    '"susan@example.com"@example.org',
    '"susan\r\nBcc: victim@example.org"@example.com',
    "susan@example.com@example.org",
    "susan@localhost",
    "susan@[127.0.0.1]",
    "susan@xn--.example",
    "susan@b\u202eücher.example",
    "(victim@example.org)susan@example.com",
]
# How else an address may be spelled, and how its account has it: it is one account, and mail goes there.
OTHER_SPELLINGS = [
    ("Susan@Example.COM", "susan@example.com"),
    ("susan@example.com", "SUSAN@EXAMPLE.COM"),
    ("susan@ｅｘａｍｐｌｅ.com", "susan@example.com"),
    ("susan@example。com", "susan@example.com"),
    ("susan@xn--bcher-kva.example", "susan@bücher.example"),
    ("SUSAN@BÜCHER.example", "susan@xn--bcher-kva.example"),
    ("zoe\u0308@example.com", "zoë@example.com"),
    ("mi\u212ae@example.com", "mike@example.com"),  # the sign of kelvins becomes a k
]
# What one may have besides letters a to z.
INTERNATIONAL = ["susan@bücher.example", "zoë@example.com", "用户@例子.example", "susan@пример.example"]
