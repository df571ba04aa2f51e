"""What is special about IMAP: its dialogue, its commands, its grammar; nothing about jobs or sockets."""
