"""The network, outwards. Every read has a size limit and a time limit."""
