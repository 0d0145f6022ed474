"""The finance queries: the dbt project in analytics/ built, and statements read from what it made."""
