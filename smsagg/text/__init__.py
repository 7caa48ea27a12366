"""Text and its octets: alphabets, lengths, where text may be cut. Pure."""

from smsagg.text.data_coding import Alphabet, alphabet_of
from smsagg.text.split import part_octets, split_body

__all__ = ["Alphabet", "alphabet_of", "part_octets", "split_body"]
