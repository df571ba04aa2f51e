"""What the doctor makes of the key rings: whether the halves belong together, and whether everything stored opens."""

from collections.abc import Mapping

from pydantic import SecretStr

from cli.doctor.finding import Finding, ill, unseen, well
from shared.sealing import KeyRingError, PrivateKeyRing, PublicKeyRing


def examine(
    name: str, public: SecretStr | None, private: SecretStr | None, sealed_with: Mapping[str, int] | None
) -> Finding:
    """One pair. `sealed_with`: how many stored secrets each key sealed, where that could be seen."""
    try:
        sealing = PublicKeyRing.from_json(public.get_secret_value()) if public else None
        opening = PrivateKeyRing.from_json(private.get_secret_value()) if private else None
    except KeyRingError as error:
        return ill(name, str(error), "put back the ring that was made with the other half, from a backup")
    if sealing is None and opening is None:
        return unseen(name, "neither half is set here", f"set {_variables(name)}")
    if opening is None:
        return unseen(name, "the private half is not set here, so that nothing says whether secrets open")
    if sealing is not None:
        fault = _mismatch(sealing, opening)
        if fault:
            return ill(name, fault, "give the gateway the public half of this very ring: `mailprobe keys public`")
    lost = {key: count for key, count in (sealed_with or {}).items() if key not in opening.keys}
    if lost:
        key, count = next(iter(lost.items()))
        return ill(
            name,
            f"{count} stored secrets are sealed with the key {key}, which this ring lacks",
            "put back the ring that has it, from a backup; else each has to be entered again",
        )
    together = "the halves belong together" if sealing is not None else "the private half can be read"
    if sealed_with is None:
        return well(name, together)
    return well(name, f"{together}, and hold the keys of all {sum(sealed_with.values())} stored secrets")


def _mismatch(sealing: PublicKeyRing, opening: PrivateKeyRing) -> str | None:
    ours = opening.public()
    if sealing.current not in ours.keys:
        return f"the gateway seals with the key {sealing.current}, which the private ring lacks"
    if sealing.keys[sealing.current].public_bytes_raw() != ours.keys[sealing.current].public_bytes_raw():
        return f"the halves of the key {sealing.current} are of different pairs"
    return None


def _variables(name: str) -> str:
    prefix = "MAILPROBE_CHANNEL_" if name.startswith("channel") else "MAILPROBE_"
    return f"{prefix}PUBLIC_KEYS_FILE and {prefix}PRIVATE_KEYS_FILE"
