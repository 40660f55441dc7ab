"""LeViT trackers (HiT)."""
