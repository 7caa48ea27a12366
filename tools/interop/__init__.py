"""Clients and a carrier that nobody here wrote, against a real server: installed, run, captured, judged."""
