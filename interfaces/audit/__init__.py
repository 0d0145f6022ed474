"""The auditor: reads the whole log in one snapshot, folds it a second time and compares. It never writes anything."""
