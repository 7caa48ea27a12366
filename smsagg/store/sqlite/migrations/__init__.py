"""The numbered steps of the schema, ``NNNN_what.sql``; see :mod:`smsagg.store.sqlite.schema`."""
