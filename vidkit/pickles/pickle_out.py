"""Pickles written so that any numpy and any Python 3 reads them."""

import pickle

_OURS, _EVERYONES = (b"cnumpy._core.multiarray\n_reconstruct\n", b"cnumpy.core.multiarray\n_reconstruct\n")


def plain_pickle(content: object) -> bytes:
    """`content`, which holds builtin containers and numpy arrays, as a pickle of protocol 3.

    numpy 2 names a module that numpy before 1.26 doesn't have; the old name is known to all. The name stands once, at
    the first array and before any array's bytes, so the first place where it is found is the name itself.
    """
    return pickle.dumps(content, protocol=3).replace(_OURS, _EVERYONES, 1)
