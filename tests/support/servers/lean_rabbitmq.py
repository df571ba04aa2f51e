"""The installed RabbitMQ in a tree of its own that has the plugins of one node alone.

Erlang looks for each of a thousand modules in the folder of every plugin that is there, wanted or not: without the
others a start costs little more than half.
"""

import re
import shutil
from pathlib import Path

# What a release needs without any application of it saying so.
_ALWAYS = {"rabbit", "rabbitmq_prelaunch"}

_DEPENDENCIES = re.compile(r"\{(?:\w+_)?applications,\s*\[(.*?)\]\}", re.DOTALL)
_NAME = re.compile(r"\w+")


def lean_rabbitmq(program: Path, *, plugins: str, home: Path) -> Path:
    """The program `rabbitmq-server` in `home`, made of links to what is installed.

    Args:
        plugins: those to be enabled, as in the file `enabled_plugins`.

    Returns:
        The installed program itself where it is laid out otherwise than RabbitMQ's own packages.
    """
    installed = program.resolve().parent.parent
    files = {file.stem: file for file in installed.glob("plugins/*/ebin/*.app")}
    if "rabbit" not in files:
        return program
    needed, asked_for = set[str](), _ALWAYS | set(_NAME.findall(plugins))
    while asked_for:
        needed |= asked_for
        declared = [_DEPENDENCIES.findall(files[name].read_text()) for name in asked_for & files.keys()]
        asked_for = {name for lists in declared for each in lists for name in _NAME.findall(each)} - needed
    (home / "plugins").mkdir(parents=True)
    for name in needed & files.keys():
        folder = files[name].parent.parent
        (home / "plugins" / folder.name).symlink_to(folder)
    (home / "escript").symlink_to(installed / "escript")
    shutil.copytree(program.resolve().parent, home / "sbin")  # they look for all else beside themselves
    return home / "sbin" / program.name
