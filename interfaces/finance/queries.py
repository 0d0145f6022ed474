"""The SQL behind statements: all is summed from the general ledger, cut at a log position and an accounting time.

A build's tables come one after another; the ledger alone is cut exactly, so a statement read while the next build runs
is still that of the last one. Amounts are exact; nothing is rounded here.
"""

_KNOWN = "log_position <= %(known)s AND effective_at < %(until)s"

CURRENCY = "SELECT currency, decimals FROM finance.tenant_currencies"
KNOWN_THEN = """
    SELECT coalesce(max(append_end), 0) FROM finance.general_ledger
    WHERE recorded_at <= %(known_at)s AND log_position <= %(known)s
"""
LAST_DAY = "SELECT max(effective_at) FROM finance.general_ledger WHERE log_position <= %(known)s"

TRIAL_BALANCE = f"""
    SELECT realm, account, asset, sum(amount) AS balance FROM finance.general_ledger WHERE {_KNOWN}
    GROUP BY realm, account, asset HAVING sum(amount) <> 0 ORDER BY realm, account, asset
"""

_BALANCES = f"""
    balances AS (
        SELECT g.account, g.asset, sum(g.amount) AS amount FROM finance.general_ledger AS g
        WHERE g.realm = 'company' AND {_KNOWN} GROUP BY g.account, g.asset
    )
"""
_PLACED = """
    placed AS (
        SELECT b.asset, b.amount, a.is_monetary, b.account,
            CASE WHEN a.line IN ('psp', 'transit') AND b.amount < 0 THEN 'liabilities'
                WHEN a.class IN ('revenue', 'expenses') THEN 'equity' ELSE a.section END AS section,
            CASE WHEN a.line IN ('psp', 'transit') AND b.amount < 0 THEN 'Owed to payment providers'
                WHEN a.class IN ('revenue', 'expenses') THEN 'Result not closed yet' ELSE a.label END AS label,
            CASE WHEN a.line IN ('psp', 'transit') AND b.amount < 0 THEN 170
                WHEN a.class IN ('revenue', 'expenses') THEN 245 ELSE a.position END AS position
        FROM balances AS b INNER JOIN finance.accounts AS a USING (account)
    )
"""
BALANCE_SHEET = f"""
    WITH {_BALANCES}, {_PLACED}
    SELECT section, label, asset, sum(CASE section WHEN 'assets' THEN amount ELSE -amount END) AS amount
    FROM placed GROUP BY section, label, position, asset
    HAVING sum(amount) <> 0 ORDER BY min(position), asset
"""

_RATES = """
    rates AS (
        SELECT asset, rate, valid_from,
            lead(valid_from, 1, 'infinity') OVER (PARTITION BY asset ORDER BY valid_from) AS valid_to
        FROM (
            SELECT DISTINCT ON (asset, occurred_at) asset, rate,
                CASE WHEN occurred_at = min(occurred_at) OVER (PARTITION BY asset) THEN '-infinity' ELSE occurred_at END
                    AS valid_from
            FROM finance.rates WHERE log_position <= %(known)s
            ORDER BY asset, occurred_at, log_position DESC
        ) AS known
        UNION ALL SELECT currency, 1, '-infinity', 'infinity' FROM finance.tenant_currencies
    )
"""
REPORTED_BALANCE_SHEET = f"""
    WITH {_BALANCES}, {_PLACED}, {_RATES},
    closing AS (SELECT asset, rate FROM rates WHERE valid_from < %(until)s AND valid_to >= %(until)s),
    entries AS (
        SELECT g.account, sum(g.amount * r.rate) AS amount FROM finance.general_ledger AS g
        INNER JOIN finance.accounts AS a USING (account)
        INNER JOIN rates AS r
            ON g.asset = r.asset AND g.effective_at >= r.valid_from AND g.effective_at < r.valid_to
        WHERE g.realm = 'company' AND NOT a.is_monetary AND {_KNOWN} GROUP BY g.account
    ),
    lines AS (
        SELECT p.section, p.label, p.position, sum(p.amount * c.rate) AS debit
        FROM placed AS p INNER JOIN closing AS c USING (asset) WHERE p.is_monetary
        GROUP BY p.section, p.label, p.position
        UNION ALL
        SELECT p.section, p.label, p.position, sum(e.amount)
        FROM (SELECT DISTINCT account, section, label, position FROM placed WHERE NOT is_monetary) AS p
        INNER JOIN entries AS e USING (account) GROUP BY p.section, p.label, p.position
    ),
    whole AS (
        SELECT section, label, position, debit FROM lines
        UNION ALL SELECT 'equity', 'Translation difference', 295, -sum(debit) FROM lines
    )
    SELECT section, label, (SELECT currency FROM finance.tenant_currencies) AS asset,
        sum(CASE section WHEN 'assets' THEN debit ELSE -debit END) AS amount
    FROM whole GROUP BY section, label, position HAVING sum(debit) <> 0 ORDER BY min(position)
"""
UNRATED = f"""
    WITH {_RATES}
    SELECT DISTINCT g.asset FROM finance.general_ledger AS g
    WHERE g.realm = 'company' AND {_KNOWN} AND NOT EXISTS (SELECT FROM rates AS r WHERE r.asset = g.asset) ORDER BY 1
"""

INCOME = f"""
    SELECT a.section, a.label, g.asset, -sum(g.amount) AS amount FROM finance.general_ledger AS g
    INNER JOIN finance.accounts AS a USING (account)
    WHERE g.class IN ('revenue', 'expenses') AND g.kind <> 'closing' AND {_KNOWN} AND g.effective_at >= %(since)s
    GROUP BY a.section, a.label, a.position, g.asset HAVING sum(g.amount) <> 0 ORDER BY a.position, g.asset
"""
REPORTED_INCOME = f"""
    WITH {_RATES}
    SELECT a.section, a.label, (SELECT currency FROM finance.tenant_currencies) AS asset,
        -sum(g.amount * r.rate) AS amount
    FROM finance.general_ledger AS g
    INNER JOIN finance.accounts AS a USING (account)
    INNER JOIN rates AS r ON g.asset = r.asset AND g.effective_at >= r.valid_from AND g.effective_at < r.valid_to
    WHERE g.class IN ('revenue', 'expenses') AND g.kind <> 'closing' AND {_KNOWN} AND g.effective_at >= %(since)s
    GROUP BY a.section, a.label, a.position HAVING sum(g.amount * r.rate) <> 0 ORDER BY a.position
"""

CASH_FLOW = f"""
    SELECT a.money_of, a.cash, g.asset,
        CASE WHEN g.effective_at < %(since)s THEN '' ELSE g.kind END AS kind,
        coalesce(sum(g.amount) FILTER (WHERE g.amount > 0), 0) AS inflow,
        -coalesce(sum(g.amount) FILTER (WHERE g.amount < 0), 0) AS outflow,
        sum(g.amount) AS net
    FROM finance.general_ledger AS g INNER JOIN finance.accounts AS a USING (account)
    WHERE a.cash IS NOT NULL AND {_KNOWN}
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

LEDGER = f"""
    SELECT g.effective_at, g.log_position, g.kind, g.reference, g.asset, g.amount,
        sum(g.amount) OVER (PARTITION BY g.asset ORDER BY g.effective_at, g.log_position, g.line) AS balance
    FROM finance.general_ledger AS g WHERE g.account = %(account)s AND {_KNOWN}
    ORDER BY g.asset, g.effective_at, g.log_position, g.line
"""
