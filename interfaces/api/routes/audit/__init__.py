"""Routes of the auditor: from numbers to their causes, the log with its proofs, and runs of the audit."""
