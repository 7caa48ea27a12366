"""Who knows the network of a number that was ported: the port, and the resolvers that come with smsagg."""
