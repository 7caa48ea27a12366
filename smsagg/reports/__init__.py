"""What past traffic adds up to: counts, rates, times and money by any of its properties. Pure."""
