"""The `lastro` command: what operators, auditors and accountants do. Results on stdout, everything else on stderr."""
