"""Where text may be cut: between extended grapheme clusters (Unicode UAX #29), which readers see as one character.

Whether there is a boundary between two characters depends on what stands before them back to a known boundary, and on
one character after. So a long text is never segmented as a whole: only the stretch before each cut is looked at, and
when both characters at the cut are plain, not even that.
"""

import regex

_CLUSTER = regex.compile(r"\X")
_SIMPLE = regex.compile(
    r"[\n\x20-\x7E\xA1-\xA8\xAA-\xAC\xAF-\u02FF\u0370-\u03FF\u0400-\u0482\u048A-\u052F\u0531-\u0556"
    r"\u1E00-\u1FFF\u3041-\u3096\u30A1-\u30FA\u3400-\u4DBF\u4E00-\u9FFF]"
)
"""Letters, digits and punctuation that begin a cluster and do not extend one; LF is one unless CR stands before it."""


def last_boundary(text: str, after: str) -> int:
    """The last position in ``text``, its end included, where it may be cut when ``after`` (one character) follows.

    ``text`` begins at a boundary and is not empty. 0: it lies within one cluster.
    """
    if _SIMPLE.match(after) and _SIMPLE.match(text[-1]):
        return len(text)
    start = 0
    for cluster in _CLUSTER.finditer(text + after):
        start = cluster.start()
    return start
