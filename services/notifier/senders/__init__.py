"""Ways to send: each takes a message's content to one kind of receiver, and says what became of it.

A sender never raises for what a receiver does, never follows it elsewhere, reads little of what it answers, and puts
no secret into its reasons. When to send, and how often, is the sending loop's.
"""
