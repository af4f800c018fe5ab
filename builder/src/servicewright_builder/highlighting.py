"""Files with their syntax highlighted, line by line."""

from functools import lru_cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.lexers.configs import IniLexer
from pygments.lexers.shell import BashLexer
from pygments.util import ClassNotFound

# What the names of files do not tell.
LEXERS = {".env.example": BashLexer, ".dockerignore": IniLexer, ".gitignore": IniLexer}


@lru_cache(maxsize=1000)
def highlighted(path: str, text: str) -> list[str]:
    """Give the lines of a file as HTML."""
    html: str = highlight(text, lexer_of(path), HtmlFormatter(nowrap=True))
    return html.split("\n")[:-1]


def lexer_of(path: str) -> Lexer:
    """Give what reads a file's syntax."""
    name = path.rpartition("/")[2]
    try:
        lexer: Lexer = LEXERS[name]() if name in LEXERS else get_lexer_for_filename(name)
    except ClassNotFound:
        lexer = TextLexer()
    # Lines must stay what they are.
    lexer.stripnl = lexer.ensurenl = False
    return lexer
