"""Plain-ViT trackers."""
