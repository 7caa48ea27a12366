"""What others wrote, for a terminal."""


def printable(text: str) -> str:
    """What no text of a peer can drive a terminal with."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
