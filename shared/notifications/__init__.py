"""The language of telling people: which channels there are, what each is told by, and which of it is secret.

Used by the gateway (to check, mask and seal) and by the notifier (to open and send). Pure; who may be told what is
the notifier's.
"""
