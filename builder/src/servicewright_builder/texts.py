"""Texts that JSON can say and nothing can store or send: halves of characters."""

import json
import re

# What may be half a character, or text in UTF-16 or UTF-32, where that looks different.
SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\x00")


def has_half_a_character(body: bytes) -> bool:
    """Tell whether JSON has a text that UTF-8 cannot write, such as one half of an emoji."""
    if not SUSPECT.search(body):
        return False
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        # What is no JSON is told as that.
        return False
    return False
