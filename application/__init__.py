"""Running the rules: the store, the committer, the codec, policies, and one file of use cases per subject."""
