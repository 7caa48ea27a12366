"""Sealing what is personal or secret: keys, and what is sealed under them. Pure: octets in, octets out."""

from smsagg.protection.cipher import Cipher
from smsagg.protection.key import KEY_OCTETS, Key, parse_keys

__all__ = ["KEY_OCTETS", "Cipher", "Key", "parse_keys"]
