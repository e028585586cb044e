"""The certificate authority of the forward proxy: it vouches for the hubs' hosts and for no other.

Its key lies in one file that its owner alone reads, and leaves it in no form.
"""
