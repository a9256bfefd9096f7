"""Daily totals: sums of the postings by dimension, kept beside the posting path and rebuilt on demand."""
