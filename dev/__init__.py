"""Tools of the people who build Lastro: environment, lock, lints, benchmarks. The product never imports them."""
