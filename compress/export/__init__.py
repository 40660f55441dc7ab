"""From a network to files that run without PyTorch."""

from compress.export.graphs import frame_graph, template_graph

__all__ = ["frame_graph", "template_graph"]
