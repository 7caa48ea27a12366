"""The stand-alone SMSC simulator: a carrier's behaviour, good or bad, behind an SMPP port."""
