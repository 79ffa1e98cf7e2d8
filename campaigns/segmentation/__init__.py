"""Segmentation: which contacts of its groups a campaign is for, by rules about their fields."""
