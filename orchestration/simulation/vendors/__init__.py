"""Vendors' APIs on this machine: local servers that speak their protocols over a simulated company.

Each module is one vendor: what it holds of the company, its addresses, its pages, its limits, its
way to say no. They can be told to misbehave (``Faults``), and refuse what the vendor would refuse.
"""
