"""Benchmarks: figures against targets, on a fresh installation, with their conditions. Never part of a test."""
