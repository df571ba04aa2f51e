"""A protocol worker as a process of its own: settings, environment, broker and admin port around `serve_worker`."""

import asyncio
from contextlib import AsyncExitStack

from shared.broker.rabbitmq import RabbitBroker
from shared.broker.readiness import broker_checks
from shared.checks.vocabulary import MailProtocol
from shared.probing.environment import ProbeEnvironment
from shared.probing.job_handling.canary import MakeCanaryServer
from shared.probing.job_handling.worker import WorkerStatus, serve_worker
from shared.probing.probe import Probe
from shared.runtime import lifecycle
from shared.runtime.admin import AdminServer
from shared.runtime.identity import instance_name
from shared.runtime.last_word import end_for_silence
from shared.runtime.settings import ProbingSettings, SettingsError, WorkerSettings
from shared.sealing import KeyRingError, PrivateKeyRing


def run_worker(protocol: MailProtocol, probe: Probe, canary_server: MakeCanaryServer) -> int:
    """Run until told to stop; the exit code."""
    service = f"{protocol}_worker"
    return lifecycle.run(service, lambda stop: _serve(service, protocol, probe, canary_server, stop))


def environment_for(settings: ProbingSettings) -> ProbeEnvironment:
    """The environment all probes of one process share, as its settings say; the caller closes it."""
    return ProbeEnvironment.create(
        allowed_private_networks=[str(network) for network in settings.allowed_private_networks],
        ca_file=str(settings.ca_file) if settings.ca_file is not None else None,
        dns_servers=settings.dns_servers,
        canary_targets=settings.canary_targets,
        max_handshakes=settings.max_handshakes,
        handshake_spacing_seconds=0.0,  # `Pace` has checks begin as far apart as they cost
    )


async def _serve(
    service: str, protocol: MailProtocol, probe: Probe, canary_server: MakeCanaryServer, stop: asyncio.Event
) -> None:
    settings = WorkerSettings.load()
    keys = _private_keys(settings)
    status = WorkerStatus()
    amqp_url = settings.amqp_url.get_secret_value()
    broker = RabbitBroker(amqp_url, service=service, instance=instance_name(service), silent=end_for_silence)
    async with AsyncExitStack() as opened:
        environment = environment_for(settings)
        opened.push_async_callback(environment.close)
        checks = {
            "queues": status.ready,
            **broker_checks(broker, amqp_url=amqp_url, policies_url=settings.policies_url),
        }
        await opened.enter_async_context(AdminServer(settings.admin_host, settings.admin_port, checks))
        opened.push_async_callback(broker.close)
        await lifecycle.first_of(stop, broker.open(timeout_seconds=None))
        if stop.is_set():
            return
        await serve_worker(
            protocol=protocol,
            probe=probe,
            environment=environment,
            broker=broker,
            keys=keys,
            settings=settings,
            stop=stop,
            status=status,
            canary_server=canary_server,
        )


def _private_keys(settings: WorkerSettings) -> PrivateKeyRing:
    try:
        return PrivateKeyRing.from_json(settings.private_keys.get_secret_value())
    except KeyRingError as error:
        raise SettingsError([f"MAILPROBE_PRIVATE_KEYS is wrong: {error}"]) from None
