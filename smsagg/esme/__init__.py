"""The SMPP front door: ESMEs connect, bind, submit, and are given their receipts."""
