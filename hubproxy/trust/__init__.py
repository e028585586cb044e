"""The signed trust list: a TUF repository, read by the daemon and written by officers."""
