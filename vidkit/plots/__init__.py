"""The figures, a module each, and the numbers that they show; the only importer of matplotlib.

matplotlib's global state is left alone: no pyplot, no rcParams outside a context.
"""
