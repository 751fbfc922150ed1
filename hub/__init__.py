"""Composes the house: Flask, RQ, Redis, configuration, web pages, API, jobs."""
