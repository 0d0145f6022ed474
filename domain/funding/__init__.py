"""Money that comes in and may be taken back: deposits, refunds, disputes, payouts, receipts at the bank."""
