"""What both protocol workers do around their probe: take jobs, make checks in time and within the login rules, answer.

The only part of `shared/probing` that knows a broker. The life of a job, in the order of the files: `consuming` takes
deliveries, `admission` says what may be done with each job, `starting` waits for its time and for capacity,
`checking` runs the probe, `answering` makes results and missed slots, `result_sender` sees them confirmed; only then
is the delivery acknowledged. `worker.serve_worker` puts them together.
"""

from shared.probing.job_handling.worker import WorkerStatus, serve_worker

__all__ = ["WorkerStatus", "serve_worker"]
