"""The deferral book: policies, estimates, and the contract liability that follows from them and the books."""
