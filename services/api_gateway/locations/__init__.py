"""Where checks are made from: shown with their last sign of life."""
