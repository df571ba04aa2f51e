"""Configuration as files: YAML read strictly, compared with what a mailprobe has, and put there.

`document` is what a file may say; `desired` and `server` bring both sides into one normal form; `plan` compares them.
"""
