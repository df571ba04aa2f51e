"""The HTTP gateway: people and programs describe monitors and read what became of them.

Seals passwords and cannot open them; asks for checks and makes none; keeps organizations, customers, tokens and
monitors, and reads what the recorder keeps.
"""
