"""Splitting a line into words as systemd, supervisord and shells do for what ports are written in."""


def split_words(text: str) -> list[str]:
    """The words; quotes hold one together and are left out, a quote that is never closed ends with the text."""
    words: list[str] = []
    word, quote, begun = "", "", False
    for char in text:
        if quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "'\"":
            quote, begun = char, True
        elif char.isspace():
            if word or begun:
                words.append(word)
            word, begun = "", False
        else:
            word += char
    return [*words, word] if word or begun else words
