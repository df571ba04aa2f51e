"""How mailprobe itself is doing: whether checks are asked for, made, stored and told in time."""
