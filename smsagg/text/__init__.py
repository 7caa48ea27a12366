"""Text and its octets: alphabets, lengths, where text may be cut, how it is best sent. Pure."""

from smsagg.text.data_coding import Alphabet, DefaultCoding, alphabet_of
from smsagg.text.decode import text_of
from smsagg.text.default_coding import from_peer, to_peer
from smsagg.text.folding import as_it_looks, folded, readings
from smsagg.text.gsm import GSM_DEFAULT, GsmAlphabet, gsm_alphabet
from smsagg.text.gsm_tables import Language
from smsagg.text.planning import DoesNotFit, Plan, Rules, plan
from smsagg.text.septets import fill_bits_after, pack, unpack
from smsagg.text.smart import Encoded, encode_smart, encode_text, segment_count
from smsagg.text.split import part_octets, split_body
from smsagg.text.transliteration import Transliteration, transliterate

__all__ = [
    "GSM_DEFAULT",
    "Alphabet",
    "DefaultCoding",
    "DoesNotFit",
    "Encoded",
    "GsmAlphabet",
    "Language",
    "Plan",
    "Rules",
    "Transliteration",
    "alphabet_of",
    "as_it_looks",
    "encode_smart",
    "encode_text",
    "fill_bits_after",
    "folded",
    "from_peer",
    "gsm_alphabet",
    "pack",
    "part_octets",
    "plan",
    "readings",
    "segment_count",
    "split_body",
    "text_of",
    "to_peer",
    "transliterate",
    "unpack",
]
