"""Providers of identities, one file per counterpart: somebody else says who a person is."""
