"""What the backups of a repository hold, as the independent reader finds it: tools/read_repository.py."""

import functools
import hashlib
import importlib.util

from support.program import SOURCE


@functools.cache
def reader():
    """The reader as a module."""
    path = SOURCE / "tools" / "read_repository.py"
    specification = importlib.util.spec_from_file_location("read_repository", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def digest_of(repository, manifest):
    """Of all streams of one backup of an opened repository."""
    digest = hashlib.sha256()
    for item in repository.items(manifest):
        digest.update(repr((item.kind, item.key, item.attributes)).encode())
        for part in item.parts:
            for piece in repository.stream(part):
                digest.update(piece)
    return digest.hexdigest()


def digests(folder, secret=None, without_index=False):
    """By backup id."""
    repository = reader().Repository(folder, secret, without_index)
    return {manifest["id"]: digest_of(repository, manifest) for manifest in repository.backups()}
