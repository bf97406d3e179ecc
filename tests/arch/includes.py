"""The permission table of the folders, and the check of one file against it. The same table is in ARCHITECTURE.md."""
import re

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)

# folder: (folders it may include, third-party headers it may include)
FLOORS = {
    "core/base": ((), ("fmt/", "nlohmann/")),
    "core/model": (("core/base",), ("fmt/",)),
    "core/loop": (("core/base",), ("uv.h", "fmt/")),
    "ipc": (("core/base", "core/model"), ("fmt/",)),
    "store": (("core/base", "core/model"), ("sqlite3.h", "zstd.h", "fmt/")),
    "metrics": (("core/base", "core/model"), ("fmt/",)),
    "config": (("core/base", "core/model"), ("yaml-cpp/", "toml++/", "fmt/")),
    "keeper": ((), ()),
    "daemon": (("core/base", "core/model", "core/loop", "ipc", "store", "metrics"), ("spdlog/", "re2/", "fmt/")),
    "cli": (("core/base", "core/model", "ipc", "config"), ("CLI/", "fmt/", "ncurses.h")),
}
# Single files of other folders that a folder may include.
EXTRA_FILES = {"daemon": ("keeper/protocol.h",)}
# Third-party headers that cost seconds each: at most so many files of a folder include them.
ONE_FILE = {"CLI/": ("cli", 1), "spdlog/": ("daemon", 1), "sqlite3.h": ("store", 99), "nlohmann/": ("core/base", 2), "yaml-cpp/": ("config", 1), "toml++/": ("config", 1)}

THIRD_PARTY = ("fmt/", "nlohmann/", "uv.h", "sqlite3.h", "zstd.h", "spdlog/", "re2/", "CLI/", "ncurses.h", "curl/", "libwebsockets.h", "yaml-cpp/", "toml++/", "doctest/")


def folder_of(path):
    """The floor-plan folder of a path relative to the root, or None."""
    for folder in FLOORS:
        if path.startswith(folder + "/"):
            return folder
    return None


def violations(path, text):
    """What the file `path` (relative to the root) includes and must not."""
    folder = folder_of(path)
    if folder is None:
        return []
    folders, third_party = FLOORS[folder]
    found = []
    for kind, name in INCLUDE.findall(text):
        other = folder_of(name)
        if other is not None:
            if other != folder and other not in folders and name not in EXTRA_FILES.get(folder, ()):
                found.append(f"{path} includes {name}: {folder} must not know {other}")
        elif name.startswith(THIRD_PARTY):
            if not name.startswith(tuple(third_party) or ("\0",)):
                found.append(f"{path} includes {name}: {folder} must not use it")
        elif kind == '"' and "/" in name:
            found.append(f"{path} includes {name}, which is in no folder of the floor plan")
    return found
