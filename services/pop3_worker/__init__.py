"""What is special about POP3: its dialogue, its commands, its grammar; nothing about jobs or sockets."""
