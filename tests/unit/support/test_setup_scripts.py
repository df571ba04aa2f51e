"""The scripts behind `make` choose a Python that works, and say in one sentence what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOOLS = ("sh", "dirname", "id", "cat", "cksum", "tr", "sed", "env", "grep", "ln", "readlink", "rm", "mkdir", "sleep")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the shell's own tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def put(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def find_python(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ROOT / "deploy/setup/find-python.sh"],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def one_sentence(text: str) -> str:
    assert text.count("\n") == 1, text
    return text


def test_passes_over_a_shim_that_stands_for_nothing(path: Path) -> None:
    put(path, "python3", "echo 'pyenv: python3: command not found' >&2; exit 127")
    working = put(path, "python3.11", f'exec "{sys.executable}" "$@"')
    assert find_python(path).stdout.strip() == str(working)


def test_passes_over_a_python_that_is_too_old_for_one_further_on(path: Path, tmp_path: Path) -> None:
    put(path, "python3", 'case "$2" in *version_info*) exit 1;; esac; exit 0')
    further = tmp_path / "further"
    further.mkdir()
    working = put(further, "python3", f'exec "{sys.executable}" "$@"')
    assert find_python(Path(f"{path}:{further}")).stdout.strip() == str(working)


def test_takes_one_that_was_built_for_speed_before_others(path: Path, tmp_path: Path) -> None:
    slow = put(path, "python3", 'case "$2" in *enable-optimizations*) exit 1;; esac; exit 0')
    assert find_python(path).stdout.strip() == str(slow)
    further = tmp_path / "further"
    further.mkdir()
    quick = put(further, "python3", "exit 0")
    both = Path(f"{path}:{further}")
    assert find_python(both).stdout.strip() == str(quick)
    assert find_python(both, PYTHON=str(slow)).stdout.strip() == str(slow)


def test_says_how_to_get_a_python(path: Path) -> None:
    answer = find_python(path)
    assert answer.returncode == 1
    assert "sudo apt-get install -y python3 python3-venv" in one_sentence(answer.stderr)


def test_says_how_old_the_only_python_is(path: Path) -> None:
    put(path, "python3", 'case "$2" in *platform*) echo 3.9.2;; *version_info*) exit 1;; esac; exit 0')
    answer = find_python(path)
    assert answer.returncode == 1
    assert "needs Python 3.11 or later" in one_sentence(answer.stderr)
    assert "is 3.9.2" in answer.stderr


def test_says_which_package_brings_venv(path: Path) -> None:
    put(path, "python3", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac; exit 0')
    answer = find_python(path)
    assert answer.returncode == 1
    assert "sudo apt-get install -y python3.11-venv" in one_sentence(answer.stderr)


@pytest.fixture
def checkout(path: Path, tmp_path: Path) -> Path:
    """A checkout whose Python makes environments that only write down what they are asked."""
    folder = tmp_path / "checkout"
    (folder / "deploy/setup").mkdir(parents=True)
    for script in ("environment.sh", "find-python.sh", "install.sh"):
        shutil.copy(ROOT / "deploy/setup" / script, folder / "deploy/setup")
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (folder / name).write_text(f"{name}\n")
    made = put(
        path, "made-python", 'case "$2" in pip) echo "$*" >> asked; exit "$(cat fails 2>/dev/null || echo 0)";; esac'
    )
    put(
        path,
        "python3",
        'case "$*" in *--clear*) echo made >> asked; rm -rf .venv/*; mkdir -p .venv/bin; '
        f"ln -s {made} .venv/bin/python;; esac",
    )
    return folder


def environment(checkout: Path, path: Path) -> subprocess.CompletedProcess[str]:
    (checkout / "asked").write_text("")
    return subprocess.run(
        ["/bin/sh", checkout / "deploy/setup/environment.sh", "run"],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_environment_is_made_once(checkout: Path, path: Path) -> None:
    assert environment(checkout, path).returncode == 0
    assert (checkout / "asked").read_text().startswith("made\n")
    assert environment(checkout, path).returncode == 0
    assert (checkout / "asked").read_text() == ""
    assert not (checkout / ".venv.lock").is_symlink()


def test_an_environment_that_is_a_link_to_another_checkouts_leaves_that_alone(checkout: Path, path: Path) -> None:
    assert environment(checkout, path).returncode == 0
    other = checkout.with_name("other")
    (checkout / ".venv").rename(other)
    (checkout / ".venv").symlink_to(other)
    (other / ".made-for-run").write_text("/elsewhere 1-1\n")
    assert environment(checkout, path).returncode == 0
    assert not (checkout / ".venv").is_symlink()
    assert (other / "bin/python").exists()


def test_an_environment_whose_making_was_interrupted_is_made_anew(checkout: Path, path: Path) -> None:
    (checkout / "fails").write_text("1")
    answer = environment(checkout, path)
    assert answer.returncode == 1
    assert "the packages could not be installed" in answer.stderr
    (checkout / "fails").unlink()
    assert environment(checkout, path).returncode == 0
    assert (checkout / "asked").read_text().startswith("made\n")


def test_changed_requirements_go_into_the_environment_that_is_there(checkout: Path, path: Path) -> None:
    environment(checkout, path)
    (checkout / "requirements.txt").write_text("others\n")
    assert environment(checkout, path).returncode == 0
    asked = (checkout / "asked").read_text()
    assert "made" not in asked
    assert "-r requirements.txt" in asked


@pytest.mark.parametrize("works", [True, False])
def test_uv_installs_what_it_can_and_pip_the_rest(checkout: Path, path: Path, works: bool) -> None:
    environment(checkout, path)
    put(checkout / ".venv/bin", "uv", f'echo "uv $*" >> asked; {"exit 0" if works else "echo no index >&2; exit 2"}')
    (checkout / "requirements.txt").write_text("others\n")
    answer = environment(checkout, path)
    assert (answer.returncode, "no index" in answer.stderr) == (0, False)
    asked = (checkout / "asked").read_text().splitlines()
    assert "-r requirements.txt" in asked[0]
    assert [line.startswith("uv ") for line in asked] == ([True] * 2 if works else [True, False] * 2)


def test_the_lock_of_one_that_was_killed_is_taken_over(checkout: Path, path: Path) -> None:
    ended = subprocess.run(["/bin/sh", "-c", "echo $$"], capture_output=True, text=True, check=True)
    (checkout / ".venv.lock").symlink_to(ended.stdout.strip())
    answer = environment(checkout, path)
    assert answer.returncode == 0, answer.stderr
    assert "waiting" not in answer.stderr


def test_two_makes_do_not_make_one_environment_at_once(checkout: Path, path: Path) -> None:
    (checkout / ".venv.lock").symlink_to(str(os.getpid()))
    command = ["/bin/sh", checkout / "deploy/setup/environment.sh", "run"]
    with subprocess.Popen(command, env={"PATH": str(path)}, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        assert "waiting for another make" in waiting.stderr.readline()
        assert not (checkout / ".venv").exists()
        (checkout / ".venv.lock").unlink()
        waiting.stderr.read()
        assert waiting.wait(timeout=60) == 0
    assert (checkout / ".venv/bin/python").exists()


def test_an_old_make_is_named_with_the_way_out() -> None:
    make = shutil.which("make")
    assert make is not None, "make is what this project is built with"
    answer = subprocess.run(
        [make, "-C", ROOT, "MAKE_VERSION=3.81", "help"],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode != 0
    assert "needs GNU make 4 or later and this is 3.81" in answer.stderr
    assert "brew install make && gmake" in answer.stderr


def test_services_of_installed_packages_are_not_started_and_the_policy_is_put_back(tmp_path: Path) -> None:
    """Runs a copy of the script whose paths lie in a folder of ours, with an apt-get that only looks."""
    policy = tmp_path / "policy-rc.d"
    policy.write_text("the administrator's own\n")
    seen = tmp_path / "seen"
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    put(bin_folder, "apt-get", f'sh {policy}; echo "$1 $?" >> {seen}; [ "$1" = update ]')
    script = (ROOT / "deploy/setup/apt-install.sh").read_text().replace("/usr/sbin/policy-rc.d", str(policy))
    answer = subprocess.run(
        ["/bin/sh", "-c", script, "apt-install.sh", "some-server"],
        env={"PATH": f"{bin_folder}:{os.defpath}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert seen.read_text() == "update 101\ninstall 101\n", answer.stderr
    assert answer.returncode != 0, "a failed installation is not hidden"
    assert policy.read_text() == "the administrator's own\n"
