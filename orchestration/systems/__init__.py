"""The systems valuemaxx reads: one folder each, the same shape in every one.

``__init__.py`` declares the streams and ``extract``; ``client.py`` talks to the system;
``records.py`` turns its answers into typed rows; ``README.md`` gives grain, cursor and traps.
"""
