"""What both protocol workers have in common: addresses, connections, TLS, limits, transcript and the verdict.

Job handling (`job_handling*`) is the only part that knows a broker; everything else is also what `mailprobe check`
and the benchmarks run.
"""
